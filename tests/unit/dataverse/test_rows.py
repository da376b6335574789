"""Rows: transactions that can be undone, indexes that follow, versions that only rise."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import Schema
from sandbox.dataverse.standard_tables import standard_tables
from sandbox.store import Store


class GaveUpError(Exception):
    pass


def give_up() -> None:
    raise GaveUpError


def change_everything(rows: Rows) -> None:
    with rows.transaction():
        rows.put("t", "new", {"name": "a"})
        rows.put("t", "kept", {"name": "b"})
        with rows.transaction():
            rows.remove("t", "kept")
        give_up()


def test_a_transaction_that_fails_never_was() -> None:
    rows = Rows(Store())
    rows.put("t", "kept", {"name": "a"})
    assert rows.find("t", "name", "A") == ["kept"]
    with pytest.raises(GaveUpError):
        change_everything(rows)
    assert dict(rows.all("t")) == {"kept": {"name": "a"}}
    assert rows.find("t", "name", "a") == ["kept"]
    assert rows.find("t", "name", "b") == []


def test_an_inner_transaction_fails_alone() -> None:
    rows = Rows(Store())
    with rows.transaction():
        rows.put("t", "outer", {"name": "a"})
        with pytest.raises(GaveUpError):
            change_everything(rows)
    assert [row_id for row_id, _ in rows.all("t")] == ["outer"]


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from(["x", "X", "y", None]),
              st.booleans()),
    max_size=20,
)  # fmt: skip


@settings(deadline=None)  # a busy machine is no fault
@given(STEPS)
def test_an_index_says_what_a_scan_says(steps: list[tuple[str, str | None, bool]]) -> None:
    rows = Rows(Store())
    rows.find("t", "name", "x")
    for row_id, name, fails in steps:
        with suppress(GaveUpError), rows.transaction():
            if name is None:
                rows.remove("t", row_id)
            else:
                rows.put("t", row_id, {"name": name})
            if fails:
                give_up()
        for value in ("x", "y", None):
            scanned = {
                i for i, row in rows.all("t") if (row["name"] or "").lower() == (value or "")
            }
            assert set(rows.find("t", "name", value)) == scanned


def test_versions_rise_across_restarts(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db")
    rows = Rows(store)
    first = [rows.next_version() for _ in range(3)]
    rows.commit()
    store.close()
    again = Store(tmp_path / "x.db")
    assert Rows(again).next_version() > first[-1] > first[0]
    again.close()


def test_the_standard_tables_hang_together() -> None:
    schema = Schema(standard_tables())
    for table in schema:
        assert table.id_column in table.columns, table.name
        assert not table.name_column or table.name_column in table.columns, table.name
        for column in table.columns.values():
            for link in column.references:
                assert link.target in schema, f"{table.name}.{column.name}"
        if "statecode" in table.columns:
            states = {option.value for option in table.columns["statecode"].options}
            assert set(table.default_status) == states, table.name
            by_value = {o.value: o.state for o in table.columns["statuscode"].options}
            assert {state: by_value[s] for state, s in table.default_status.items()} == {
                state: state for state in states
            }
    email = schema["email"]
    assert (email.columns["messageid"].max_length, email.columns["torecipients"].max_length) == (
        320, 500,
    )  # fmt: skip
    assert email.navigations["CorrelatedActivityId_Email"].column.name == "correlatedactivityid"
