"""What goes back to the queue, what is parked, and when: every change ends in one place."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.bus import PARKED, Bus, Message, change_messages, parked_message, retry_message
from shared.changes import Kind
from shared.sync.outcome import Failed, Outcome

MAX_ATTEMPTS = 10
_LATER_LOOK = timedelta(minutes=2)
_LONGEST_WAIT_SECONDS = 300.0


async def settle(outcome: Outcome, kind: Kind, bus: Bus, now: datetime) -> None:
    """Send what must come back to the queue of `kind`, and what cannot be done to `parked`.

    Only when this has returned may the messages the changes came in be completed.

    Raises:
        Transient: the broker did not take it; the messages must come again.
    """
    given_up = [failed for failed in outcome.failed if failed.change.attempt + 1 >= MAX_ATTEMPTS]
    again = [failed for failed in outcome.failed if failed.change.attempt + 1 < MAX_ATTEMPTS]
    parked = [
        *(parked_message(end.change, end.reason) for end in outcome.impossible),
        *(
            parked_message(end.change, f"failed {MAX_ATTEMPTS} times: {end.problem}")
            for end in given_up
        ),
    ]
    await bus.send(PARKED, parked)
    await bus.send(
        kind.value,
        [
            *_retries(again, now),
            *change_messages(outcome.look_again, due=now + _LATER_LOOK),
        ],
    )


def wait_before(attempt: int, retry_after: float | None) -> timedelta:
    """Return the server's own wish, else 2, 4, 8 … 300 seconds, with jitter."""
    if retry_after is not None:
        return timedelta(seconds=retry_after)
    backoff = min(_LONGEST_WAIT_SECONDS, 2.0**attempt)
    return timedelta(seconds=backoff * random.uniform(0.75, 1.25))  # noqa: S311 - not a secret


def _retries(failed: Sequence[Failed], now: datetime) -> list[Message]:
    return [
        retry_message(one.change, due=now + wait_before(one.change.attempt + 1, one.retry_after))
        for one in failed
    ]
