"""What goes back to the queue, what is parked, and when: every change ends in one place."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.bus import PARKED, Bus, Message, change_messages, parked_message, retry_message
from shared.changes import Change
from shared.identifiers import Kind
from shared.sync.outcome import Failed, Impossible, LaterLook, Outcome
from shared.telemetry import Parked

MAX_ATTEMPTS = 10
GAVE_UP = f"failed {MAX_ATTEMPTS} times: "
_LATER_LOOK = timedelta(minutes=2)
_PER_REPLY = timedelta(seconds=10)
_DEEPEST = 60
_LONGEST_WAIT_SECONDS = 300.0


async def settle(outcome: Outcome, kind: Kind, bus: Bus, now: datetime) -> None:
    """Send what must come back to the queue of `kind`, and what cannot be done to `parked`.

    Only when this has returned may the messages the changes came in be completed.

    Raises:
        Transient: the broker did not take it; the messages must come again.
    """
    _give_up_what_kept_failing(outcome)
    await bus.send(PARKED, [parked_message(end.change, end.reason) for end in outcome.impossible])
    retries = _retries(outcome.failed, now)
    await bus.send(kind.value, [*retries, *_later_looks(outcome.look_again, now)])


def wait_before(attempt: int, retry_after: float | None) -> timedelta:
    """Return 2, 4, 8 … 300 seconds, or what the server wishes if that is longer, and some jitter.

    Growing even where the server names a short wait: ten tries must outlast a spell of throttling.
    """
    backoff = min(_LONGEST_WAIT_SECONDS, 2.0**attempt)
    wait = max(backoff, retry_after or 0.0)
    return timedelta(seconds=wait * random.uniform(1.0, 1.25))  # noqa: S311 - not a secret


def _give_up_what_kept_failing(outcome: Outcome) -> None:
    tried = [failed for failed in outcome.failed if failed.change.attempt + 1 >= MAX_ATTEMPTS]
    outcome.failed = [failed for failed in outcome.failed if failed not in tried]
    outcome.impossible += [
        Impossible(failed.change, f"{GAVE_UP}{failed.problem}", Parked.KEPT_FAILING)
        for failed in tried
    ]


def _later_looks(looks: Sequence[LaterLook], now: datetime) -> list[Message]:
    """Return the later looks, a mail's before those of its replies."""
    by_depth: dict[int, list[Change]] = {}
    for look in looks:
        by_depth.setdefault(min(look.depth, _DEEPEST), []).append(look.change)
    return [
        message
        for depth, changes in by_depth.items()
        for message in change_messages(changes, due=now + _LATER_LOOK + depth * _PER_REPLY)
    ]


def _retries(failed: Sequence[Failed], now: datetime) -> list[Message]:
    return [
        retry_message(one.change, due=now + wait_before(one.change.attempt + 1, one.retry_after))
        for one in failed
    ]
