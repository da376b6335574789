"""`tether enable`: mailboxes nobody has set up are, for all, a group, or some."""

from typing import Any

import pytest

from sandbox.tenant import Group
from tests.contract.app.desks import BARE, TESTED
from tests.contract.cli.conftest import Office
from tests.contract.cli.test_looking import set_row

MEMBERS = "6b1f7f6a-2c0e-4f5b-9d3e-5f8f4a1c0001"
NESTED = "6b1f7f6a-2c0e-4f5b-9d3e-5f8f4a1c0002"
METHODS = "incoming email, outgoing email, appointments, contacts and tasks"
STRANGER = "6b1f7f6a-2c0e-4f5b-9d3e-5f8f4a1c0003"


def bare_mailbox(office: Office, number: int, **values: object) -> str:
    """Let a person's mailbox be as a new user has it; return its key."""
    person = office.services.tenant.people[number]
    rows = office.services.dataverse.organization.rows
    (key,) = rows.find("mailbox", "regardingobjectid", person.systemuserid)
    set_row(office, "mailbox", key, **{**BARE, **values})
    return key


def mailbox(office: Office, key: str) -> dict[str, Any]:
    return office.services.dataverse.organization.rows.get("mailbox", key) or {}


async def enabled(office: Office, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
    said = await office.tether("enable", "--json", *options)
    assert said.code == code, said.err
    return {one["name"].partition("@")[0]: one for one in said.json}


async def test_a_dry_run_shows_what_would_be_done_and_does_nothing(office: Office) -> None:
    key = bare_mailbox(office, 0)
    before = mailbox(office, key)
    found = await enabled(office, "--all", "--dry-run")
    assert found["ada"]["outcome"] == "lacking"
    assert found["ada"]["done"] == [
        f"set {METHODS} to server-side synchronization",
        "set the default email server profile",
        "ask for approval of the address",
        "turn it on",
    ]
    assert found["ada"]["codes"][0] == "no-server-profile"
    assert (found["grace"]["outcome"], found["grace"]["done"]) == ("enabled", ["turn it on"])
    assert mailbox(office, key) == before
    table = await office.tether("enable", "--all", "--dry-run")
    assert "ada@contoso.example\tlacking\tset incoming email" in table.out


async def test_all_are_turned_on_and_it_can_be_repeated(office: Office) -> None:
    key = bare_mailbox(office, 0, emailrouteraccessapproval=1)
    found = await enabled(office, "--all", "--yes")
    assert (found["ada"]["outcome"], found["ada"]["codes"]) == ("waiting", ["test-under-way"])
    assert mailbox(office, key)["actdeliverymethod"] == 1
    office.services.surroundings.clock.advance(TESTED)
    found = await enabled(office, "--all", "--yes")
    assert found["ada"]["done"] == found["grace"]["done"] == []
    assert {one["outcome"] for one in found.values()} == {"enabled"}


async def test_an_approval_the_caller_may_not_give_is_asked_for(office: Office) -> None:
    key = bare_mailbox(office, 0)
    found = await enabled(office, "ada@contoso.example", "--approve", "--yes")
    assert found.keys() == {"ada"}
    assert found["ada"]["outcome"] == "waiting"
    assert "approval-needed" in found["ada"]["codes"]
    assert mailbox(office, key)["emailrouteraccessapproval"] == 2


async def test_what_cannot_be_turned_on_is_named_with_its_code(office: Office) -> None:
    bare_mailbox(office, 0, statecode=1)
    found = await enabled(office, "ADA@contoso.example", "nobody@contoso.example", "--yes", code=1)
    assert {name: (one["outcome"], one["codes"]) for name, one in found.items()} == {
        "ada": ("skipped", ["mailbox-inactive"]),
        "nobody": ("skipped", ["user-not-in-dynamics"]),
    }
    assert (await enabled(office, "--all", "--yes"))["ada"]["outcome"] == "skipped"


async def test_a_refusal_is_one_mailboxs_own(office: Office) -> None:
    for number in (0, 1):
        bare_mailbox(office, number)
    office.fault("dataverse", "PATCH mailboxes", 403, message="prvWriteMailbox is missing", times=1)
    found = await enabled(office, "--all", "--yes", code=1)
    assert (found["ada"]["outcome"], found["grace"]["outcome"]) == ("refused", "waiting")
    assert "prvWriteMailbox" in found["ada"]["problem"]


async def test_it_is_asked_for_rightly(office: Office) -> None:
    for options in ((), ("--all", "ada@contoso.example"), ("--all", "--group", "x")):
        said = await office.tether("enable", *options)
        assert said.code == 2
        assert "say which" in said.err
    said = await office.tether("enable", "--all", "--json")
    assert "say --yes" in said.err
    office.changed["NATIVE_SYNC"] = "besides"
    said = await office.tether("enable", "--all")
    assert (said.code, said.err) == (
        2, "tether: NATIVE_SYNC is 'besides': set it to beside or instead.\n",
    )  # fmt: skip


async def test_instead_of_dynamics_it_is_tethers_own_row(office: Office) -> None:
    office.changed["NATIVE_SYNC"] = "instead"
    listed = (await office.tether("mailboxes", "--json")).json
    assert {tuple(one["codes"]) for one in listed} == {
        ("sync-not-turned-on", "native-sync-conflict")
    }
    found = await enabled(office, "--all", "--approve", "--yes")
    assert {one["outcome"] for one in found.values()} == {"enabled"}
    assert found["ada"]["done"] == [
        f"set {METHODS} to None",
        "approve the address",
        "turn it on",
    ]
    assert {tuple(one["codes"]) for one in (await office.tether("mailboxes", "--json")).json} == {
        ()
    }


@pytest.fixture
def grouped(office: Office) -> Office:
    """The same, with a group in a group that is in the first."""
    ada, grace = office.services.tenant.people
    groups = (
        Group(
            id=MEMBERS, mail="sellers@contoso.example", display_name="Sellers",
            members=(NESTED, grace.id),
        ),
        Group(id=NESTED, mail="new@contoso.example", display_name="New", members=(ada.id, MEMBERS)),
    )  # fmt: skip
    office.services.graph.groups.replace(groups)
    return office


async def test_a_group_is_named_by_its_id_or_address(grouped: Office) -> None:
    for group in (MEMBERS, "sellers@contoso.example"):
        found = await enabled(grouped, "--group", group, "--dry-run")
        assert found.keys() == {"ada", "grace"}
    assert (await enabled(grouped, "--group", NESTED, "--dry-run")).keys() == {"ada", "grace"}
    for unknown in (STRANGER, "nobody@contoso.example"):
        said = await grouped.tether("enable", "--group", unknown, "--dry-run")
        assert said.code == 1
        assert said.err.count("\n") == 1
    people = grouped.services.tenant.people
    set_row(grouped, "systemuser", people[0].systemuserid, isdisabled=True)
    found = await enabled(grouped, "--group", MEMBERS, "--dry-run")
    assert found["ada"]["codes"] == ["user-not-in-dynamics"]
