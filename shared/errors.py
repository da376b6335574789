"""What can go wrong, by what is to be done about it.

TetherError
├── Misconfigured     the app refuses to start; the message is the remedy
├── Malformed         a message or request from outside that is not what it should be
├── Transient         cannot be done now: do it again, after the server's own Retry-After
└── Permanent         can never be done: park it with its reason
"""


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
