"""After each pass it is told how many mailboxes and subscriptions are how."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.changes import encode
from shared.dataverse.subscriptions import KINDS
from shared.identifiers import Kind
from shared.sync.census import SILENT_AFTER, Census
from shared.telemetry import CONDITION, KIND
from tests.contract.app.enrolling import Enrolling, enrolling
from tests.contract.app.marked import Marked
from tests.contract.app.measures import values

MAIL = str(Kind.MAIL)
LIFETIME = timedelta(minutes=10_000)


@pytest.fixture
async def office() -> AsyncIterator[Enrolling]:
    async with enrolling(3) as running:
        await running.enrolment.enrol_and_renew()
        yield running


@pytest.fixture
def census(office: Enrolling) -> Census:
    return Census(office.dataverse, KINDS, office.services.surroundings.clock.now)


def mailboxes(reader: InMemoryMetricReader) -> dict[str, int]:
    """Return the conditions that are true of any mailbox, and of how many."""
    told = values(reader, "tether.mailboxes", CONDITION)
    return {condition: int(value) for (condition,), value in told.items() if value}


def subscriptions(reader: InMemoryMetricReader, kind: str = MAIL) -> dict[str, int]:
    """Return how many subscriptions to a kind are how."""
    told = values(reader, "tether.subscriptions", KIND, CONDITION)
    return {how: int(value) for (of, how), value in told.items() if value and of == kind}


async def test_mailboxes_are_counted_by_what_is_true_of_them(
    office: Enrolling, census: Census, reader: InMemoryMetricReader
) -> None:
    await census.take()
    assert mailboxes(reader) == {"enrolled": 3}
    _, second, third = office.people
    office.set_mailbox(second, emailrouteraccessapproval=0)
    await office.enrolment.enrol_and_renew()
    office.set_row(third, tether_lasterror="mail: Graph 403")
    await census.take()
    assert mailboxes(reader) == {
        "enrolled": 2, "suspended": 1, "not ready": 1, "catch-up needed": 1, "last error": 1,
    }  # fmt: skip
    assert values(reader, "tether.mailboxes", CONDITION)["native-sync-conflict",] == 0


async def test_subscriptions_are_counted_by_how_long_they_live(
    office: Enrolling, census: Census, reader: InMemoryMetricReader
) -> None:
    await census.take()
    assert subscriptions(reader) == {"live": 3}
    assert subscriptions(reader, "contacts") == {"missing": 3}
    office.advance(LIFETIME - timedelta(hours=20))
    await census.take()
    assert subscriptions(reader) == {"expiring": 3}
    left = values(reader, "tether.subscriptions.remaining", KIND)[MAIL,]
    assert left == pytest.approx(20 * 3600, abs=120)
    await office.enrolment.enrol_and_renew()
    await census.take()
    assert subscriptions(reader) == {"live": 3}


async def test_freshness_is_the_age_of_the_last_change_in_dynamics(
    office: Enrolling, census: Census, reader: InMemoryMetricReader
) -> None:
    marked = Marked(office)
    await marked.consume(Kind.MAIL, [encode([await marked.add(Kind.MAIL)])])
    office.advance(timedelta(hours=2))
    await census.take()
    fresh = values(reader, "tether.freshness", KIND)
    assert fresh.keys() == {(MAIL,)}
    assert fresh[MAIL,] == pytest.approx(2 * 3600, abs=120)


async def test_a_mailbox_of_which_nothing_changes_is_silent(
    office: Enrolling,
    census: Census,
    reader: InMemoryMetricReader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    marked = Marked(office)
    await marked.consume(Kind.MAIL, [encode([await marked.add(Kind.MAIL)])])
    office.advance(SILENT_AFTER - timedelta(hours=1))
    await census.take()
    assert "silent" not in mailboxes(reader)
    office.advance(timedelta(minutes=70))
    await census.take()
    assert mailboxes(reader)["silent"] == 1
    assert f"silent mailbox={office.people[0]}" in caplog.text
    await marked.consume(Kind.MAIL, [encode([await marked.add(Kind.MAIL)])])
    office.advance(timedelta(minutes=61))
    await census.take()
    assert "silent" not in mailboxes(reader)


async def test_who_is_silent_is_asked_once_an_hour(office: Enrolling, census: Census) -> None:
    stats = office.services.surroundings.stats
    asked: list[int] = []
    for _ in range(3):
        stats.reset()
        await census.take()
        batched = stats.snapshot()["dataverse"]["batched"]
        assert isinstance(batched, dict)
        asked.append(batched["GET tether_links"] - len(Kind))
        office.advance(timedelta(minutes=31))
    assert asked == [len(office.people), 0, len(office.people)]


async def test_what_dynamics_does_not_answer_is_told_again_next_time(
    office: Enrolling,
    census: Census,
    reader: InMemoryMetricReader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await census.take()
    before = mailboxes(reader)
    office.fault("dataverse", "*", 503, message="Zanzibar")
    await census.take()
    assert mailboxes(reader) == before
    assert "not counted: Dataverse 503" in caplog.text
    assert "Zanzibar" not in caplog.text
