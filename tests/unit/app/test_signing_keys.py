"""Keys are read once, again when one is unknown, and go on being used while nobody gives any."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from jwt import PyJWK

from sandbox.identity.tokens import TokenAuthority
from shared.errors import Transient
from shared.tracking.signing_keys import SigningKeys

_AUTHORITY = TokenAuthority("11111111-1111-1111-1111-111111111111")
KEY = PyJWK(_AUTHORITY.keys()["keys"][0])  # type: ignore[index]


class Source:
    """Publishes keys by id; counts how often it is read."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = set(key_ids)
        self.reads = 0
        self.away = False

    async def read(self) -> Mapping[str, PyJWK]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise Transient("nobody answers")
        return dict.fromkeys(self.key_ids, KEY)


class Office:
    """The keys of a source, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.source = Source("a")
        self.moment = datetime(2026, 11, 24, tzinfo=UTC)
        self.keys = SigningKeys(self.source, lambda: self.moment)

    def pass_time(self, **time: float) -> None:
        self.moment += timedelta(**time)

    async def aside(self) -> None:
        """Let what was begun aside come to its end."""
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_many_at_once_have_the_keys_read_once(office: Office) -> None:
    found = await asyncio.gather(*(office.keys.find("a") for _ in range(20)))
    assert found == [KEY] * 20
    assert office.source.reads == 1


async def test_a_new_key_is_found_at_once(office: Office) -> None:
    await office.keys.find("a")
    office.source.key_ids.add("b")
    assert await office.keys.find("b") is KEY
    assert office.source.reads == 2


async def test_made_up_keys_have_them_read_once_a_minute(office: Office) -> None:
    await office.keys.find("a")
    for number in range(50):
        assert await office.keys.find(f"made up {number}") is None
    assert office.source.reads == 2
    office.pass_time(seconds=61)
    await office.keys.find("made up again")
    assert office.source.reads == 3


async def test_an_outage_does_known_keys_no_harm(office: Office) -> None:
    await office.keys.find("a")
    office.source.away = True
    office.pass_time(days=3)
    for _ in range(3):
        assert await office.keys.find("a") is KEY
        await office.aside()
    assert office.source.reads == 2
    for _ in range(2):
        with pytest.raises(Transient):
            await office.keys.find("b")
    office.source.away = False
    office.pass_time(minutes=2)
    assert await office.keys.find("b") is None


async def test_without_any_keys_each_caller_tries(office: Office) -> None:
    office.source.away = True
    for _ in range(2):
        with pytest.raises(Transient):
            await office.keys.find("a")
    office.source.away = False
    assert await office.keys.find("a") is KEY


async def test_a_withdrawn_key_is_believed_for_a_day(office: Office) -> None:
    await office.keys.find("a")
    office.source.key_ids = {"b"}
    office.pass_time(days=1)
    assert await office.keys.find("a") is KEY
    await office.aside()
    assert await office.keys.find("a") is None


async def test_a_caller_who_leaves_does_not_end_what_others_wait_for(office: Office) -> None:
    leaving = asyncio.create_task(office.keys.find("a"))
    staying = asyncio.create_task(office.keys.find("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying is KEY
    assert office.source.reads == 1
