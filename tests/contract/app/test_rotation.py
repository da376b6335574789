"""A new first key replaces every subscription; what the former key sealed is still understood."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.graph.client_state import ClientStateKeys, Subject
from shared.graph.notifications import changes_in
from shared.identifiers import Kind, MailboxId
from tests.contract.app.enrolling import KEYS, Enrolling, enrolling
from tests.system.mails import mail

NEW_KEY = {"k2": b"fedcba9876543210fedcba9876543210"}
NO_SUBSCRIPTION = {
    "tether_mailsubscriptionid": None,
    "tether_mailsubscriptionexpireson": None,
    "tether_mailsubscriptionseal": None,
}


@pytest.fixture
async def office() -> AsyncIterator[Enrolling]:
    async with enrolling(2) as running:
        yield running


def subject(person: str) -> Subject:
    return Subject(MailboxId(person), Kind.MAIL)


async def genuine(office: Enrolling, keys: ClientStateKeys, person: str) -> list[str]:
    """Deliver a mail; return the ids of the mails whose notifications `keys` verify."""
    before = len(office.webhook.entries)
    office.services.graph.mailboxes.mailbox(person).deliver(mail())
    entries = (await office.webhook.received(before + 1))[before:]
    now = office.services.surroundings.clock.now()
    tenant = office.services.tenant.tenant_id
    verdict = changes_in(entries, keys, tenant=tenant, now=now)
    assert [change.mailbox for change in verdict.genuine] == [person] * len(verdict.genuine)
    return [change.item for change in verdict.genuine]


async def test_every_subscription_is_replaced_by_one_sealed_with_the_new_key(
    office: Enrolling,
) -> None:
    enrolled_at = office.services.surroundings.clock.now()
    await office.enrolment.enrol_and_renew()
    made = {person: office.subscriptions(person)[0] for person in office.people}
    rotated = office.with_keys({**NEW_KEY, **KEYS})
    office.advance(timedelta(hours=1))
    await rotated.enrolment.enrol_and_renew()
    for person in office.people:
        (anew,) = office.subscriptions(person)
        assert anew["id"] != made[person]["id"]
        assert anew["clientState"].startswith("k2.")
        assert rotated.keys.open(anew["clientState"]) == subject(person)
        assert rotated.keys.open(made[person]["clientState"]) == subject(person)
        row = await office.row(person)
        assert row["tether_mailsubscriptionid"] == anew["id"]
        assert row["tether_mailsubscriptionseal"].startswith("k2@")
        assert "former key" in row["tether_catchupreason"]
        since = datetime.fromisoformat(row["tether_catchupneededsince"]).astimezone(UTC)
        assert abs(since - enrolled_at) < timedelta(minutes=1)


async def test_notifications_verify_with_either_key_in_turn(office: Enrolling) -> None:
    person = office.people[0]
    rotated = office.with_keys({**NEW_KEY, **KEYS})
    new_alone = office.with_keys(NEW_KEY)
    await office.enrolment.enrol_and_renew()
    assert await genuine(office, rotated.keys, person)
    assert not await genuine(office, new_alone.keys, person)
    await rotated.enrolment.enrol_and_renew()
    assert await genuine(office, new_alone.keys, person)
    assert not await genuine(office, office.keys, person)


async def test_a_rotation_is_done_once(office: Enrolling) -> None:
    await office.enrolment.enrol_and_renew()
    rotated = office.with_keys({**NEW_KEY, **KEYS})
    await rotated.enrolment.enrol_and_renew()
    rows = await office.enrolled()
    office.services.surroundings.stats.reset()
    await rotated.enrolment.enrol_and_renew()
    assert "graph" not in office.services.stats()
    assert await office.enrolled() == rows


async def test_a_further_key_behind_the_first_replaces_nothing(office: Enrolling) -> None:
    await office.enrolment.enrol_and_renew()
    before = [office.subscriptions(person) for person in office.people]
    await office.with_keys({**KEYS, **NEW_KEY}).enrolment.enrol_and_renew()
    assert [office.subscriptions(person) for person in office.people] == before


@pytest.mark.parametrize(
    "foreign",
    [
        {"notificationUrl": "https://elsewhere.example/api/graph/notifications"},
        {"clientState": "somebody else's"},
        {"clientState": None},
        {"clientState": "k1.mail.00000000000000000000000000000001.c2VhbA"},
    ],
    ids=["elsewhere", "another state", "no state", "our key's name"],
)
async def test_a_subscription_that_would_not_reach_us_is_replaced(
    office: Enrolling, foreign: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    person, other = office.people
    await office.enrolment.enrol_and_renew()
    theirs = office.set_subscription(person, **foreign)
    untouched = office.subscriptions(other)
    office.set_row(person, **NO_SUBSCRIPTION)
    with caplog.at_level(logging.WARNING, "tether.enrolment"):
        await office.enrolment.enrol_and_renew()
    (ours,) = office.subscriptions(person)
    assert ours["id"] != theirs["id"]
    assert ours["notificationUrl"] == f"{office.base_url}/api/graph/notifications"
    assert office.keys.open(ours["clientState"]) == subject(person)
    assert (await office.row(person))["tether_mailsubscriptionid"] == ours["id"]
    assert office.subscriptions(other) == untouched
    assert f"did not reach us mailbox={person}" in caplog.text


async def test_ours_is_adopted_even_if_the_whole_row_is_gone(
    office: Enrolling, caplog: pytest.LogCaptureFixture
) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    office.services.dataverse.organization.rows.drop("tether_mailbox")
    with caplog.at_level(logging.WARNING, "tether.enrolment"):
        await office.enrolment.enrol_and_renew()
    assert [one["id"] for one in office.subscriptions(person)] == [made["id"]]
    row = await office.row(person)
    assert row["tether_mailsubscriptionid"] == made["id"]
    assert row["tether_mailsubscriptionseal"].startswith("k1@")
    assert "did not reach us" not in caplog.text
