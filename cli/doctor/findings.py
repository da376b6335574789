"""What an examination comes to: a line for each thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a thing stands; skipped is what could not be looked at because of another."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it stands, and what to do if it does not stand well.

    `codes` are the catalogue's, for what has an entry there.
    """

    check: str
    outcome: Outcome
    message: str
    remedy: str = ""
    codes: tuple[str, ...] = ()


def ok(check: str, message: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(check, Outcome.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """Return that a thing works, but should be looked at."""
    return Finding(check, Outcome.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str) -> Finding:
    """Return that a thing does not work."""
    return Finding(check, Outcome.FAILED, message, remedy)


def skipped(check: str, because: str) -> Finding:
    """Return that a thing was not looked at."""
    return Finding(check, Outcome.SKIPPED, f"not looked at: {because}")


def stands(findings: list[Finding]) -> bool:
    """Tell whether none of them failed or was skipped."""
    return all(one.outcome in {Outcome.OK, Outcome.WARNING} for one in findings)
