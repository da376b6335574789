"""`tether mailboxes` and `tether subscriptions`: what there is, and what is wrong with it."""

from typing import Any

from tests.contract.cli.conftest import Office


def set_row(office: Office, table: str, row_id: str, **values: object) -> None:
    rows = office.services.dataverse.organization.rows
    rows.put(table, row_id, {**(rows.get(table, row_id) or {}), **values})


async def mailboxes(office: Office, *options: str) -> dict[str, Any]:
    said = await office.tether("mailboxes", "--json", *options)
    assert said.code == 0, said.err
    return {one["name"].partition("@")[0]: one for one in said.json}


async def test_mailboxes_that_are_well(office: Office) -> None:
    found = await mailboxes(office)
    assert list(found) == ["ada", "grace"]
    for one in found.values():
        assert (one["state"], one["ready"], one["lacking"]) == ("enrolled", True, [])
        assert (one["fresh"], one["catchUpNeededSince"], one["lastError"]) == (None, None, "")
    assert await mailboxes(office, "--problems") == {}
    said = await office.tether("mailboxes")
    assert said.out.splitlines()[1].split("\t")[:3] == ["ada@contoso.example", "enrolled", "yes"]


async def test_mailboxes_with_something_to_look_at(office: Office) -> None:
    ada, grace = office.services.tenant.people
    set_row(
        office, "tether_mailbox", ada.id,
        tether_catchupneededsince="2026-11-01T10:00:00Z", tether_catchupreason="missed",
        tether_lasterror="Graph 403",
    )  # fmt: skip
    (mailbox,) = office.services.dataverse.organization.rows.find(
        "mailbox", "regardingobjectid", grace.systemuserid
    )
    set_row(office, "mailbox", mailbox, emailrouteraccessapproval=2, actstatus=2)
    organization = office.services.dataverse.organization
    organization.rows.put(
        "tether_link", "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90",
        {
            "tether_linkid": "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90",
            "tether_mailboxid": {"table": "tether_mailbox", "id": ada.id},
            "modifiedon": "2026-11-02T10:00:00Z", "versionnumber": 1, "tether_request": "{}",
        },
    )  # fmt: skip
    found = await mailboxes(office, "--problems")
    assert found["ada"]["catchUpNeededSince"] == "2026-11-01T10:00:00+00:00"
    assert found["ada"]["fresh"] == "2026-11-02T10:00:00+00:00"
    assert (found["ada"]["pending"], found["grace"]["pending"]) == (1, 0)
    assert (found["ada"]["catchUpReason"], found["ada"]["lastError"]) == ("missed", "Graph 403")
    assert found["grace"]["lacking"] == [
        "the email address is not approved",
        "appointments, contacts and tasks were not tested with success",
    ]


async def test_a_mailbox_that_is_not_enrolled_yet_or_not_in_dynamics_any_more(
    office: Office,
) -> None:
    ada, grace = office.services.tenant.people
    office.services.dataverse.organization.rows.remove("tether_mailbox", ada.id)
    set_row(office, "systemuser", grace.systemuserid, isdisabled=True)
    found = await mailboxes(office)
    assert (found["ada"]["state"], found["ada"]["ready"]) == ("not enrolled", True)
    assert (found["grace"]["state"], found["grace"]["ready"]) == ("enrolled", False)


async def test_subscriptions_that_live(office: Office) -> None:
    said = await office.tether("subscriptions", "--json")
    assert said.code == 0
    states = {(one["mailbox"], one["kind"]): one["state"] for one in said.json["subscriptions"]}
    assert len(states) == 6
    assert set(states.values()) == {"live"}
    assert said.json["unknown"] == []
    assert "k1" not in (await office.tether("subscriptions")).out


async def test_subscriptions_that_do_not(office: Office) -> None:
    ada, grace = office.services.tenant.people
    rows = office.services.dataverse.organization.rows
    row = rows.get("tether_mailbox", ada.id) or {}
    set_row(office, "tether_mailbox", ada.id, tether_mailsubscriptionseal="k0@other")
    set_row(office, "tether_mailbox", ada.id, tether_calendarsubscriptionid=None)
    set_row(
        office, "tether_mailbox", grace.id,
        tether_mailsubscriptionexpireson="2026-01-01T00:00:00Z",
    )  # fmt: skip
    gone = (rows.get("tether_mailbox", grace.id) or {})["tether_contactssubscriptionid"]
    office.services.graph.notifications.remove(gone)
    said = await office.tether("subscriptions", "--problems", "--json")
    assert said.code == 1
    found = {(one["mailbox"][:3], one["kind"]): one["state"] for one in said.json["subscriptions"]}
    assert found == {
        ("ada", "mail"): "former", ("ada", "calendar"): "missing", ("gra", "mail"): "expired",
        ("gra", "contacts"): "missing",
    }  # fmt: skip
    (unknown,) = said.json["unknown"]
    assert unknown["id"] == row["tether_calendarsubscriptionid"]
    table = await office.tether("subscriptions", "--problems")
    assert f"\t\tunknown\t{unknown['expirationDateTime']}\t{unknown['id']}" in table.out


async def test_graph_does_not_list_them(office: Office) -> None:
    office.fault("graph", "POST /$batch", 503)
    said = await office.tether("subscriptions")
    assert said.code == 1
    assert said.err.startswith("tether: Graph 503")
