"""Service protection limits: when they bite, and when they let go (dataverse.md 6)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.clock import Clock
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.limits import Limits


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def ask(limits: Limits, count: int, user: str = "ada", *, lasting: float = 0.0) -> None:
    for _ in range(count):
        try:
            limits.enter(user)
        finally:
            limits.leave(user, lasting)


def refusal(act: Callable[[], object]) -> DataverseError:
    with pytest.raises(DataverseError) as refused:
        act()
    assert refused.value.status == 429
    return refused.value


def test_six_thousand_requests_in_a_sliding_window() -> None:
    clock = Clock()
    limits = Limits(clock)
    ask(limits, 10)
    clock.advance(seconds(100))
    ask(limits, 5990)
    ask(limits, 1, "grace")
    refused = refusal(lambda: ask(limits, 1))
    assert (refused.code, refused.message) == (
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    )
    assert refused.retry_after is not None
    assert 199 <= refused.retry_after <= 200
    clock.advance(seconds(refused.retry_after))
    ask(limits, 1)


def test_sending_on_makes_the_penalty_longer() -> None:
    clock = Clock()
    limits = Limits(clock)
    ask(limits, 10)
    clock.advance(seconds(100))
    ask(limits, 5990)
    waits = [refusal(lambda: ask(limits, 1)).retry_after or 0 for _ in range(11)]
    assert waits[0] <= 200
    assert 299 <= waits[-1] <= 300


def test_fifty_two_at_once() -> None:
    limits = Limits(Clock())
    for _ in range(52):
        limits.enter("ada")
    limits.enter("grace")
    refused = refusal(lambda: ask(limits, 1))
    assert (refused.code, refused.message) == (
        "0x80072326", "Number of concurrent requests exceeded the limit of 52.",
    )  # fmt: skip
    limits.leave("ada", 0)
    ask(limits, 1)


def test_twelve_hundred_seconds_of_work() -> None:
    clock = Clock()
    limits = Limits(clock)
    ask(limits, 3, lasting=400)
    ask(limits, 1, lasting=1)
    refused = refusal(lambda: ask(limits, 1))
    assert refused.code == "0x80072321"
    assert refused.retry_after is not None
    assert 299 <= refused.retry_after <= 300
    clock.advance(seconds(301))
    ask(limits, 3, lasting=400)
    ask(limits, 1)


def test_what_is_left() -> None:
    limits = Limits(Clock())
    ask(limits, 2, lasting=0.5)
    assert limits.headers("ada") == {
        "x-ms-ratelimit-burst-remaining-xrm-requests": "5998",
        "x-ms-ratelimit-time-remaining-xrm-requests": "1199.00",
        "x-ms-dop-hint": "52",
    }
