"""What can be looked at without asking anybody: keys and versions."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cli.doctor.findings import Finding, failed, ok, warning

_OLD_DAYS = 365
_MOST_KEYS = 2
_FEWEST_BYTES = 16  # different ones, of at least 32: a random key has more
_PYTHON = (3, 13)
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"


def check_keys(keys: Mapping[str, bytes], now: datetime) -> Finding:
    """Look at the keys that seal subscriptions: random, few, and not too old."""
    check, named = "client state keys", ", ".join(keys)
    weak = [name for name, key in keys.items() if len(set(key)) < _FEWEST_BYTES]
    if weak:
        return failed(
            check,
            f"key '{weak[0]}' is not random: notifications could be forged",
            "make one with: openssl rand -base64 32, and put it first in CLIENT_STATE_KEYS",
        )
    if len(set(keys.values())) < len(keys):
        return warning(
            check,
            f"{named}: two of them are the same key",
            "put a new key first in CLIENT_STATE_KEYS, and take the doubled one off",
        )
    if len(keys) > _MOST_KEYS:
        return warning(
            check,
            f"{len(keys)} keys are accepted: {named}",
            "take former keys off CLIENT_STATE_KEYS once tether subscriptions shows all live",
        )
    current = next(iter(keys))
    made = _day(current)
    if made is None:
        return ok(check, f"{named}; the age is known if a key's id is its day, e.g. {now:%y%m%d}")
    age = (now - made).days
    if age > _OLD_DAYS:
        return warning(
            check,
            f"key '{current}' is {age} days old",
            "put a new key first in CLIENT_STATE_KEYS and keep this one second until tether"
            " subscriptions shows all live",
        )
    return ok(check, f"{named}, {age} days old")


def check_versions(requirements: Path = REQUIREMENTS) -> Finding:
    """Compare what is installed with what the tests ran on."""
    check = "versions"
    told = f"tether {version('tether')}, Python {sys.version.split()[0]}"
    if sys.version_info < _PYTHON:
        return failed(check, told, "install Python 3.13 and set up again")
    others = [
        f"{name} {installed}, not {pinned}"
        for name, pinned in _pins(requirements)
        if (installed := _installed(name)) != pinned
    ]
    if others:
        return warning(check, f"{told}; {'; '.join(others)}", "set up again: make setup")
    return ok(check, told)


def _day(key_id: str) -> datetime | None:
    """Read the day an id begins with, as infra/rotate-client-state-key writes it."""
    try:
        return datetime.strptime(key_id[:6], "%y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _pins(file: Path) -> list[tuple[str, str]]:
    if not file.exists():
        return []
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    parts = (line.partition("==") for line in lines)
    return [(name, pinned) for name, _, pinned in parts if pinned]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
