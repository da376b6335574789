"""Appointments: where they land, who takes part, how they are found again (dataverse.md 1.3, 2)."""

from typing import Any
from urllib.parse import quote

import pytest

from sandbox.tenant import Tenant
from tests.contract.dataverse.test_batch import inner
from tests.contract.dataverse.webapi import Part, Web

PARTIES = "appointment_activity_parties"
REQUIRED = {
    "participationtypemask": 5,
    "addressused": "ann@x.example",
    "unresolvedpartyname": "Ann",
}
OPTIONAL = {"participationtypemask": 6, "addressused": "bob@x.example"}
CLOSED = [{"statecode": 1, "statuscode": 3}, {"statecode": 2, "statuscode": 4}]


def organizer(tenant: Tenant, number: int = 0) -> dict[str, Any]:
    user = tenant.people[number].systemuserid
    return {"participationtypemask": 7, "partyid_systemuser@odata.bind": f"systemusers({user})"}


async def attendees(web: Web, appointment: str) -> list[tuple[int, str]]:
    """Return role and address of the parties a client maintains."""
    query = f"$expand={PARTIES}($select=participationtypemask,addressused)"
    row = (await web.get(f"appointments({appointment})?$select=subject&{query}")).json
    parties = [(one["participationtypemask"], one["addressused"]) for one in row[PARTIES]]
    return sorted(one for one in parties if one[0] not in (8, 9))


async def test_an_appointment_lands_in_scheduled_and_busy(web: Web) -> None:
    path = f"appointments({await web.created('appointments', subject='m', statecode=0)})"
    row = (await web.get(path)).json
    assert (row["statecode"], row["statuscode"], row["instancetypecode"]) == (3, 5, 0)
    away = await web.created("appointments", subject="m", statuscode=6)
    assert (await web.get(f"appointments({away})")).json["statuscode"] == 6
    free = await web.post("appointments", {"subject": "m", "statecode": 0, "statuscode": 1})
    assert (free.status, free.code) == (400, "0x80048408")


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (3, 6)])
async def test_a_state_goes_with_its_status(web: Web, pair: tuple[int, int]) -> None:
    path = f"appointments({await web.created('appointments', subject='m')})"
    for state in {0, 1, 2, 3} - {pair[0]}:
        reply = await web.patch(path, {"statecode": state, "statuscode": pair[1]})
        assert (reply.status, reply.code) == (400, "0x80048408")
    body = {"statecode": pair[0], "statuscode": pair[1]}
    assert (await web.patch(path, body)).status == 204
    row = (await web.get(path)).json
    assert (row["statecode"], row["statuscode"]) == pair


async def test_who_takes_part(web: Web, tenant: Tenant) -> None:
    contact = await web.created("contacts", lastname="Noether", emailaddress1="emmy@x.example")
    known = {"participationtypemask": 5, "partyid_contact@odata.bind": f"contacts({contact})"}
    parties = [organizer(tenant), known, REQUIRED, OPTIONAL]
    appointment = await web.created("appointments", subject="m", **{PARTIES: parties})
    assert await attendees(web, appointment) == [
        (5, "ann@x.example"),
        (5, "emmy@x.example"),
        (6, "bob@x.example"),
        (7, tenant.people[0].upn),
    ]
    unresolved = f"_activityid_value eq {appointment} and addressused eq 'ann@x.example'"
    (ann,) = (await web.get(f"activityparties?$filter={quote(unresolved)}")).rows
    assert (ann["_partyid_value"], ann["partyobjecttypecode"], ann["unresolvedpartyname"]) == (
        None, "unresolvedaddress", "Ann",
    )  # fmt: skip


@pytest.mark.parametrize("mask", [1, 2, 3, 4, 8, 9, 10, 13])
async def test_roles_an_appointment_does_not_have(web: Web, mask: int) -> None:
    party = {"participationtypemask": mask, "addressused": "a@x.example"}
    assert (await web.post("appointments", {PARTIES: [party]})).status == 400


async def test_the_organizer_is_a_user(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether")
    bound = {"partyid_contact@odata.bind": f"contacts({contact})"}
    for who in (bound, {"addressused": "ann@x.example"}):
        reply = await web.post("appointments", {PARTIES: [{"participationtypemask": 7, **who}]})
        assert (reply.status, reply.code) == (400, "0x80040203")
    assert (await web.get("appointments")).rows == []


async def test_parties_are_replaced_by_patch_and_by_put(web: Web, tenant: Tenant) -> None:
    appointment = await web.created(
        "appointments", subject="m", **{PARTIES: [organizer(tenant), REQUIRED, OPTIONAL]}
    )
    path = f"appointments({appointment})"
    body = {"subject": "n", PARTIES: [organizer(tenant, 1), REQUIRED]}
    assert (await web.patch(path, body)).status == 204
    replaced = [(5, "ann@x.example"), (7, tenant.people[1].upn)]
    assert await attendees(web, appointment) == replaced
    bad = {"subject": "o", PARTIES: [OPTIONAL, {"participationtypemask": 5}]}
    assert (await web.patch(path, bad)).status == 400
    assert await attendees(web, appointment) == replaced
    assert (await web.get(path)).json["subject"] == "n"
    assert (await web.patch(path, {"location": "here"})).status == 204
    assert await attendees(web, appointment) == replaced
    assert (await web.put(f"{path}/{PARTIES}", {"value": [OPTIONAL]})).status == 204
    assert await attendees(web, appointment) == [(6, "bob@x.example")]
    assert (await web.patch(path, {PARTIES: []})).status == 204
    assert await attendees(web, appointment) == []


@pytest.mark.parametrize("state", CLOSED)
async def test_a_closed_appointment_is_read_only(
    web: Web, tenant: Tenant, state: dict[str, int]
) -> None:
    account = await web.created("accounts", name="Contoso")
    appointment = await web.created("appointments", subject="m", **{PARTIES: [REQUIRED]})
    path = f"appointments({appointment})"
    assert (await web.patch(path, state)).status == 204
    for body in (
        {"subject": "n"},
        {"location": "here"},
        {"scheduledstart": "2026-11-02T08:00:00Z"},
        {"isonlinemeeting": True},
        {PARTIES: [OPTIONAL]},
        {"subject": "n", "statecode": 3, "statuscode": 5},
    ):
        reply = await web.patch(path, body)
        assert (reply.status, reply.code) == (400, "0x80040203"), body
    assert (await web.put(f"{path}/{PARTIES}", {"value": [OPTIONAL]})).status == 400
    for allowed in (
        {"regardingobjectid_account_appointment@odata.bind": f"accounts({account})"},
        {"ownerid@odata.bind": f"systemusers({tenant.people[0].systemuserid})"},
        {"category": "c"},
    ):
        assert (await web.patch(path, allowed)).status == 204
    reply = await web.batch([
        Part("PATCH", path, {"statecode": 3, "statuscode": 5}, "1"),
        Part("PATCH", path, {"subject": "n", PARTIES: [OPTIONAL]}, "2"),
        Part("PATCH", path, state, "3"),
    ])  # fmt: skip
    assert reply.status == 200
    row = (await web.get(path)).json
    assert (row["subject"], row["statecode"]) == ("n", state["statecode"])
    assert await attendees(web, appointment) == [(6, "bob@x.example")]
    assert (await web.delete(path)).status == 204


@pytest.mark.parametrize("entity_set", ["appointments", "tasks", "contacts"])
async def test_a_version_guards_change_and_deletion(web: Web, entity_set: str) -> None:
    path = f"{entity_set}({await web.created(entity_set)})"
    stale = (await web.get(path)).json["@odata.etag"]
    assert (await web.patch(path, {"description": "x"}, if_match=stale)).status == 204
    for reply in (
        await web.patch(path, {"description": "y"}, if_match=stale),
        await web.delete(path, if_match=stale),
    ):
        assert (reply.status, reply.code) == (412, "0x80060882")
    row = (await web.get(path)).json
    assert row["description"] == "x"
    assert (await web.delete(path, if_match=row["@odata.etag"])).status == 204
    assert (await web.patch(path, {"description": "z"}, if_match="*")).status == 404


async def test_appointments_are_found_by_global_id_and_end_with_their_parties(
    web: Web, tenant: Tenant
) -> None:
    for number, hour in (("A", 8), ("A", 9), ("B", 9)):
        await web.created(
            "appointments",
            subject=f"{number}{hour}",
            globalobjectid=f"040000008200E0{number}",
            scheduledstart=f"2026-11-02T0{hour}:00:00Z",
            scheduledend=f"2026-11-02T0{hour}:30:00Z",
            **{PARTIES: [organizer(tenant), REQUIRED]},
        )
    columns = f"$select=subject&$expand={PARTIES}($select=participationtypemask,addressused)"
    filters = (
        "globalobjectid eq '040000008200E0A' and scheduledend eq 2026-11-02T09:30:00Z",
        "globalobjectid eq '040000008200e0b'",
        "scheduledend ge 2026-11-02T09:00:00Z and statecode eq 3",
        "globalobjectid eq 'C'",
    )
    reply = await web.batch(
        *(Part("GET", f"appointments?$filter={quote(text)}&{columns}") for text in filters)
    )
    answers = [answer.body["value"] for answer in inner(reply)]
    found = [sorted(row["subject"] for row in rows) for rows in answers]
    assert found == [["A9"], ["B9"], ["A9", "B9"], []]
    masks = {party["participationtypemask"] for party in answers[0][0][PARTIES]}
    assert masks == {5, 7, 9}


@pytest.mark.filterwarnings("ignore:Sending a large body")
@pytest.mark.parametrize(
    ("column", "length"),
    [("subject", 200), ("description", 1_048_576), ("location", 200), ("globalobjectid", 300),
     ("category", 250), ("subcategory", 250), ("onlinemeetingjoinurl", 2000),
     ("exchangeitemid", 200), ("exchangeweblink", 1250)],
)  # fmt: skip
async def test_the_length_of_an_appointments_columns(web: Web, column: str, length: int) -> None:
    row = await web.created("appointments", **{column: "x" * length})
    reply = await web.patch(f"appointments({row})", {column: "x" * (length + 1)})
    assert (reply.status, reply.code) == (400, "0x80044331")
    assert f"maximum allowed length of '{length}'" in reply.message
