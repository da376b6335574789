"""What can go wrong, by what is to be done about it.

TetherError
├── Misconfigured     the app refuses to start; the message is the remedy
├── Malformed         a message or request from outside that is not what it should be
├── Transient         cannot be done now: do it again, after the server's own Retry-After
└── Permanent         can never be done: park it with its reason
"""

from pathlib import Path
from traceback import extract_tb


class TetherError(Exception):
    """Any failure Tether knows what to do about."""


class Misconfigured(TetherError):  # noqa: N818 - the tree above reads as what is so, not as errors
    """A setting is missing or wrong; the message names it and the remedy."""


class Malformed(TetherError):  # noqa: N818
    """Something from outside does not have the shape it must have."""


class Transient(TetherError):  # noqa: N818
    """It cannot be done now. `retry_after` is the server's own wish in seconds, if it had one."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(TetherError):  # noqa: N818
    """It can never be done as it is; the message says why."""


def briefly(problem: object) -> str:
    """Return what a log may say of a problem: not the service's own words, which may quote content.

    What is said in full goes where rights protect it: the parked message, the mailbox's row.
    """
    return str(problem).partition(": ")[0]


def where(problem: BaseException) -> str:
    """Return what was raised and the lines it came through, without its words."""
    frames = extract_tb(problem.__traceback__)
    lines = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(problem).__name__} at {lines}"
