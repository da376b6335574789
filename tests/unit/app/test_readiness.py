"""Readiness: what the filter finds is what lacks nothing, and every condition has its entry."""

from typing import Any

import pytest

from sandbox.dataverse.seed import READY
from shared.catalogue import entry
from shared.dataverse.readiness import COLUMNS, CONFLICT, NO_METHODS, NativeSync, Terms
from tests.unit.app.sides import Ground

PRISTINE: dict[NativeSync, dict[str, Any]] = {
    NativeSync.BESIDE: {
        **dict.fromkeys(COLUMNS), **READY, "statecode": 0, "_emailserverprofile_value": "x",
    },
    NativeSync.INSTEAD: {
        "statecode": 0, "tether_turnedon": True, "tether_approval": 1, "tether_teststatus": 1,
    },
}  # fmt: skip
BESIDE = Terms()
INSTEAD = Terms(NativeSync.INSTEAD)


def codes(terms: Terms, **values: object) -> list[str]:
    return [one.code for one in terms.unmet({**PRISTINE[terms.native], **values})]


@pytest.mark.parametrize("terms", [BESIDE, INSTEAD], ids=lambda terms: terms.native)
def test_each_condition_alone_is_lacking_by_its_code(terms: Terms) -> None:
    assert codes(terms) == []
    for one in terms.conditions:
        wrong = None if one.wanted is None else 9 if one.wanted is not True else False
        assert codes(terms, **{one.column: wrong}) == [one.code]
        assert entry(one.code).part == "readiness"
        assert one.lacking
        assert one.remedy


async def test_dynamics_finds_by_the_filter_what_lacks_nothing(ground: Ground) -> None:
    _, dataverse = ground.fresh()
    rows = dataverse.organization.rows
    columns = ",".join(COLUMNS)
    keys = [key for key, _ in rows.all("mailbox")]
    values: dict[str, Any] = {
        "statecode": 1, "emailserverprofile": None, "incomingemaildeliverymethod": 0,
        "outgoingemailstatus": 2, "enabledforact": False, "emailrouteraccessapproval": 2,
    }  # fmt: skip
    for column, value in values.items():
        row = rows.get("mailbox", keys[0]) or {}
        rows.put("mailbox", keys[0], {**row, column: value})
        for terms in (BESIDE, Terms(approval=False)):
            path = f"mailboxes?$select=mailboxid,{columns}"
            everyone = await dataverse.read_all(path)
            found = await dataverse.read_all(f"{path}&$filter={terms.ready}")
            ready = {one["mailboxid"] for one in everyone if not terms.unmet(one)}
            assert {one["mailboxid"] for one in found} == ready
        rows.put("mailbox", keys[0], row)


def test_a_consequence_says_nothing_new() -> None:
    untested = {
        "incomingemaildeliverymethod": 0,
        "incomingemailstatus": 0,
        "enabledforincomingemail": False,
    }
    assert codes(BESIDE, **untested) == ["incoming-not-synchronized"]
    failed = {"actstatus": 2, "enabledforact": False}
    assert codes(BESIDE, **failed) == ["appointments-not-tested"]
    off = {"tether_turnedon": False, "tether_approval": None, "tether_teststatus": None}
    assert codes(INSTEAD, **off) == ["sync-not-turned-on"]


@pytest.mark.parametrize("native", NativeSync)
def test_where_no_approval_is_needed_none_is_lacking(native: NativeSync) -> None:
    lacking = {"emailrouteraccessapproval": 0, "tether_approval": None}
    assert codes(Terms(native), **lacking) == ["address-not-approved"]
    assert codes(Terms(native, approval=False), **lacking) == []
    assert codes(Terms(native, approval=False), tether_teststatus=2, actstatus=2) != []


@pytest.mark.parametrize("required", [True, False, None])
def test_approval_is_needed_unless_the_organisation_denies_it(required: bool | None) -> None:
    row = {"requireapprovalforuseremail": required, "_defaultemailserverprofileid_value": "p"}
    terms = Terms.of(NativeSync.BESIDE, row)
    assert (terms.approval, terms.profile) == (required is not False, "p")


def test_both_would_write() -> None:
    mailbox = {**PRISTINE[NativeSync.BESIDE], **NO_METHODS}
    assert INSTEAD.noted(mailbox) == ()
    for column in NO_METHODS:
        assert INSTEAD.noted({**mailbox, column: 1}) == (CONFLICT,)
    assert BESIDE.noted(PRISTINE[NativeSync.BESIDE]) == ()


@pytest.mark.parametrize(
    ("code", "since", "success", "is_open"),
    [
        (None, None, None, False),
        (0, "2026-11-02T10:00:00Z", None, False),
        (7, None, None, True),
        (7, "2026-11-02T10:00:00Z", "2026-11-02T09:00:00Z", True),
        (7, "2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z", False),
    ],
)
def test_an_error_is_open_until_a_sync_succeeds(
    code: int | None, since: str | None, success: str | None, *, is_open: bool
) -> None:
    mailbox = {
        "lastsyncerrorcode": code, "lastsyncerroroccurredon": since,
        "lastsuccessfulsynccompletedon": success,
    }  # fmt: skip
    found = [one.code for one in BESIDE.noted(mailbox)]
    assert found == (["mailbox-error-open"] if is_open else [])
