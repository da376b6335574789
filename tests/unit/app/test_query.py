"""Every value is asked for exactly once, and no URL grows beyond what a batch takes."""

import re
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from sandbox.odata import parse_filter
from shared.dataverse.batch import Operation
from shared.dataverse.query import rows_where_in

MAX_URL = 64 * 1024  # characters of an inner URL (dataverse.md 4)
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_IN = re.compile(r"PropertyName='(\w+)',PropertyValues=\[((?:'(?:[^']|'')*',?)*)\]")

values = st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=200)
columns = st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, unique=True)


def condition(operation: Operation) -> str:
    return unquote(operation.path.partition("$filter=")[2].partition("&")[0])


def asked(operation: Operation) -> dict[str, list[str]]:
    return {
        column: [value.replace("''", "'") for value in _QUOTED.findall(listed)]
        for column, listed in _IN.findall(condition(operation))
    }


@given(columns, values)
def test_every_value_is_asked_of_every_column_exactly_once(
    columns: list[str], values: set[str]
) -> None:
    operations = rows_where_in("rows", columns, values, select="id")
    for column in columns:
        found = [value for operation in operations for value in asked(operation)[column]]
        assert sorted(found) == sorted(values)


@given(columns, st.sets(st.text("é'<>@", min_size=50, max_size=320), max_size=300))
def test_no_url_is_too_long_even_percent_encoded(columns: list[str], values: set[str]) -> None:
    for operation in rows_where_in("rows", columns, values, select="id", and_filter="state eq 1"):
        assert len(operation.path) < MAX_URL


def test_the_longest_addresses_of_a_hundred_mails_fit() -> None:
    addresses = {f"{'😀' * 90}{number:04}@x" for number in range(2_000)}
    operations = rows_where_in("contacts", ["one", "two", "three"], addresses, select="id")
    assert len(operations) > 1
    assert max(len(operation.path) for operation in operations) < MAX_URL


def test_no_values_no_questions() -> None:
    assert rows_where_in("rows", ["one"], [], select="id") == []


def test_a_quote_in_a_value_stays_in_the_value() -> None:
    (operation,) = rows_where_in("rows", ["one"], ["o'hara') or (1 eq 1"], select="id")
    parse_filter(condition(operation), {})
    assert asked(operation) == {"one": ["o'hara') or (1 eq 1"]}


def test_a_further_condition_holds_for_all_columns() -> None:
    (operation,) = rows_where_in(
        "rows", ["one", "two"], ["x"], select="id", and_filter="state eq 1", expand="lookup"
    )
    assert re.fullmatch(r"\(.* or .*\) and state eq 1", condition(operation))
    assert operation.path.endswith("&$expand=lookup")
