"""Every ready mailbox has its row and one live subscription, and no other has (graph.md 1, 3)."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from shared.errors import Transient
from shared.graph.client_state import Subject
from shared.graph.messages import Folder
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import MailboxId
from tests.contract.app.enrolling import Enrolling, enrolling

LIFETIME = timedelta(minutes=10_000)
ENROLLED, SUSPENDED = 1, 2
UNMET: list[dict[str, object]] = [
    {"statecode": 1},
    {"emailrouteraccessapproval": 0},
    {"emailserverprofile": None},
    {"incomingemaildeliverymethod": 0},
    {"outgoingemaildeliverymethod": 0},
    {"actdeliverymethod": 0},
    {"incomingemailstatus": 2},
    {"outgoingemailstatus": 2},
    {"actstatus": 2},
    {"enabledforincomingemail": False},
    {"enabledforoutgoingemail": False},
    {"enabledforact": False},
]


@pytest.fixture
async def office() -> AsyncIterator[Enrolling]:
    async with enrolling(2) as running:
        yield running


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def event_of(office: Enrolling, person: str, event: str) -> LifecycleEvent:
    (subscription,) = office.subscriptions(person)
    subject = office.keys.open(subscription["clientState"])
    assert subject
    return LifecycleEvent.model_validate(
        {
            "event": event,
            "subscription": subscription["id"],
            "subject": subject,
            "noticed": office.services.surroundings.clock.now(),
        }
    )


async def test_only_ready_mailboxes_are_enrolled() -> None:
    async with enrolling(len(UNMET) + 3) as office:
        ready, disabled, no_entra, *others = office.people
        for person, values in zip(others, UNMET, strict=True):
            office.set_mailbox(person, **values)
        office.set_user(disabled, isdisabled=True)
        office.set_user(no_entra, azureactivedirectoryobjectid=None)
        await office.enrolment.enrol_and_renew()
        assert (await office.enrolled()).keys() == {ready}
        assert [person for person in office.people if office.subscriptions(person)] == [ready]


async def test_what_a_subscription_and_its_row_say(office: Enrolling) -> None:
    before = office.services.surroundings.clock.now()
    await office.enrolment.enrol_and_renew()
    for person in office.services.tenant.people:
        (subscription,) = office.subscriptions(person.id)
        assert subscription["changeType"] == "created,updated,deleted"
        assert subscription["resource"] == f"users/{person.id}/messages?$filter=isDraft eq false"
        assert subscription["immutable"]
        assert subscription["notificationUrl"].endswith("/api/graph/notifications")
        assert subscription["lifecycleNotificationUrl"].endswith("/api/graph/lifecycle")
        opened = office.keys.open(subscription["clientState"])
        assert isinstance(opened, Subject)
        assert opened.mailbox == MailboxId(person.id)
        row = await office.row(person.id)
        assert row["tether_mailsubscriptionid"] == subscription["id"]
        expires = moment(row["tether_mailsubscriptionexpireson"])
        assert expires == moment(subscription["expirationDateTime"])
        assert abs(expires - before - LIFETIME) < timedelta(minutes=1)
        assert row["tether_state"] == ENROLLED
        assert row["tether_name"] == person.upn
        assert row["_tether_systemuserid_value"] == person.systemuserid
        assert row["tether_lasterror"] is row["tether_catchupneededsince"] is None
        mailbox = office.services.graph.mailboxes.mailbox(person.id)
        assert json.loads(row["tether_folders"]) == {
            folder.value: mailbox.folder(folder)["id"] for folder in Folder
        }


async def test_a_second_pass_asks_nothing_of_graph(office: Enrolling) -> None:
    await office.enrolment.enrol_and_renew()
    rows = await office.enrolled()
    office.services.surroundings.stats.reset()
    await office.enrolment.enrol_and_renew()
    assert "graph" not in office.services.stats()
    assert await office.enrolled() == rows


async def test_a_subscription_whose_id_was_never_saved_is_adopted(office: Enrolling) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    rows = office.services.dataverse.organization.rows
    row = rows.get("tether_mailbox", person)
    assert row
    unsaved = {"tether_mailsubscriptionid": None, "tether_mailsubscriptionexpireson": None}
    rows.put("tether_mailbox", person, {**row, **unsaved})
    office.advance(timedelta(hours=1))
    await office.enrolment.enrol_and_renew()
    (adopted,) = office.subscriptions(person)
    assert adopted["id"] == made["id"]
    assert moment(adopted["expirationDateTime"]) > moment(made["expirationDateTime"])
    saved = await office.row(person)
    assert saved["tether_mailsubscriptionid"] == made["id"]
    assert saved["tether_catchupneededsince"] is None


async def test_a_subscription_is_renewed_at_half_its_life_and_not_before(
    office: Enrolling,
) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    office.advance(LIFETIME / 2 - timedelta(minutes=5))
    await office.enrolment.enrol_and_renew()
    assert office.subscriptions(person) == [made]
    office.advance(timedelta(minutes=10))
    await office.enrolment.enrol_and_renew()
    (renewed,) = office.subscriptions(person)
    assert renewed["id"] == made["id"]
    longer = moment(renewed["expirationDateTime"]) - moment(made["expirationDateTime"])
    assert longer > LIFETIME / 2
    row = await office.row(person)
    assert moment(row["tether_mailsubscriptionexpireson"]) == moment(renewed["expirationDateTime"])
    assert row["tether_catchupneededsince"] is None


async def test_an_expired_subscription_is_made_anew_and_the_gap_is_written_down(
    office: Enrolling,
) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    office.advance(LIFETIME + timedelta(hours=3))
    assert office.subscriptions(person) == []
    await office.enrolment.enrol_and_renew()
    (anew,) = office.subscriptions(person)
    assert anew["id"] != made["id"]
    row = await office.row(person)
    assert row["tether_mailsubscriptionid"] == anew["id"]
    assert moment(row["tether_catchupneededsince"]) == moment(made["expirationDateTime"])
    assert "expired" in row["tether_catchupreason"]


async def test_a_subscription_that_graph_lost_is_made_anew_at_renewal(office: Enrolling) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    office.services.graph.lifecycle.announce(made["id"], "subscriptionRemoved")
    office.advance(LIFETIME / 2 + timedelta(minutes=5))
    await office.enrolment.enrol_and_renew()
    (anew,) = office.subscriptions(person)
    row = await office.row(person)
    assert row["tether_mailsubscriptionid"] == anew["id"] != made["id"]
    assert "gone" in row["tether_catchupreason"]


async def test_a_mailbox_that_stops_being_ready_is_suspended_until_it_is_again(
    office: Enrolling,
) -> None:
    person, other = office.people
    await office.enrolment.enrol_and_renew()
    office.set_mailbox(person, enabledforincomingemail=False)
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    assert office.subscriptions(person) == []
    assert row["tether_state"] == SUSPENDED
    assert row["tether_mailsubscriptionid"] is row["tether_mailsubscriptionexpireson"] is None
    assert "ready" in row["tether_catchupreason"]
    assert len(office.subscriptions(other)) == 1
    since = row["tether_catchupneededsince"]
    office.advance(timedelta(hours=2))
    office.set_mailbox(person, enabledforincomingemail=True)
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    assert row["tether_state"] == ENROLLED
    assert len(office.subscriptions(person)) == 1
    assert row["tether_catchupneededsince"] == since


@pytest.mark.parametrize("times", [1, 3])
async def test_missed_is_written_down_once(office: Enrolling, times: int) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    before = office.subscriptions(person)
    event = event_of(office, person, "missed")
    at = office.services.surroundings.clock.now()
    for _ in range(times):
        await office.enrolment.react(event)
        office.advance(timedelta(minutes=30))
    row = await office.row(person)
    assert abs(moment(row["tether_catchupneededsince"]) - at) < timedelta(minutes=1)
    assert row["tether_catchupreason"] == "mail: Graph reported missed notifications"
    assert office.subscriptions(person) == before


@pytest.mark.parametrize("times", [1, 3])
async def test_a_removed_subscription_is_made_anew_once(office: Enrolling, times: int) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    event = event_of(office, person, "subscriptionRemoved")
    office.services.graph.lifecycle.announce(made["id"], "subscriptionRemoved")
    for _ in range(times):
        await office.enrolment.react(event)
    (anew,) = office.subscriptions(person)
    row = await office.row(person)
    assert row["tether_mailsubscriptionid"] == anew["id"] != made["id"]
    assert row["tether_catchupreason"] == "mail: Graph removed the subscription"


@pytest.mark.parametrize("times", [1, 3])
async def test_reauthorization_extends_the_subscription(office: Enrolling, times: int) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    event = event_of(office, person, "reauthorizationRequired")
    office.advance(timedelta(hours=1))
    for _ in range(times):
        await office.enrolment.react(event)
    (extended,) = office.subscriptions(person)
    assert extended["id"] == made["id"]
    assert moment(extended["expirationDateTime"]) > moment(made["expirationDateTime"])
    row = await office.row(person)
    assert moment(row["tether_mailsubscriptionexpireson"]) == moment(extended["expirationDateTime"])
    assert row["tether_catchupneededsince"] is None


async def test_an_event_of_a_suspended_mailbox_does_nothing(office: Enrolling) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    event = event_of(office, person, "subscriptionRemoved")
    office.set_mailbox(person, statecode=1)
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    await office.enrolment.react(event)
    assert office.subscriptions(person) == []
    assert await office.row(person) == row


async def test_why_there_is_no_subscription_stands_on_the_row_until_there_is_one(
    office: Enrolling,
) -> None:
    person = office.people[0]
    echo = office.webhook.echo
    office.webhook.echo = lambda _: web.Response(status=403)
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    assert row["tether_mailsubscriptionid"] is None
    assert "ValidationError" in row["tether_lasterror"]
    office.webhook.echo = echo
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    assert row["tether_lasterror"] is None
    assert [one["id"] for one in office.subscriptions(person)] == [row["tether_mailsubscriptionid"]]


async def test_an_event_that_cannot_be_acted_on_must_come_again(office: Enrolling) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    event = event_of(office, person, "subscriptionRemoved")
    office.services.graph.lifecycle.announce(event.subscription, "subscriptionRemoved")
    office.webhook.echo = lambda _: web.Response(status=500)
    with pytest.raises(Transient, match="ValidationError"):
        await office.enrolment.react(event)
    assert (await office.row(person))["tether_catchupneededsince"] is not None
