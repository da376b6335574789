"""Reads the catalogue, and finds in it what a service's words are about.

The entries are data, in the TOML files beside this module; docs/troubleshooting.md is made of them.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FILES = ("readiness", "mailbox", "item", "api")
"""Where a trouble shows: each is a file, and a part of the page."""
_FOLDER = Path(__file__).parent
_HEX = re.compile(r"8[0-9A-F]{7}", re.IGNORECASE)
_WORD = "[0-9A-Za-z]"

_Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]


class Entry(BaseModel):
    """One trouble. `code` never changes, whatever becomes of the words.

    `seller` is for who uses Outlook, `administrator` for who looks after Dynamics; `matches` are
    the codes and words by which services name it; a code of eight hexadecimal digits is known in
    its decimal form, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    part: str
    title: _Sentence
    seller: _Sentence
    administrator: _Sentence
    cause: _Sentence
    remedy: _Sentence
    page: Annotated[str, StringConstraints(pattern=r"^https://learn\.microsoft\.com/")] | None = (
        None
    )
    matches: tuple[str, ...] = ()

    def specificity(self, text: str) -> tuple[bool, int] | None:
        """Return how well the entry fits a service's text; None if it does not, more is better.

        A code says more than words, and longer words say more than short ones.
        """
        fitting = (
            (is_code, len(match[0]))
            for is_code, pattern in _patterns(self.matches)
            if (match := pattern.search(text))
        )
        return max(fitting, default=None)


def entry(code: str) -> Entry:
    """Return the entry of a code.

    Raises:
        KeyError: the catalogue has no such code.
    """
    return entries()[code]


def explain(text: str) -> Entry | None:
    """Return the entry that a service's text is about, the one that fits it best."""
    rated = ((fit, one) for one in entries().values() if (fit := one.specificity(text)) is not None)
    best = max(rated, key=lambda pair: pair[0], default=None)
    return best[1] if best else None


@cache
def entries() -> Mapping[str, Entry]:
    """Return all entries by code, in the order of the page."""
    return {one.code: one for part in FILES for one in _read(part)}


def _read(part: str) -> Iterator[Entry]:
    document = tomllib.loads((_FOLDER / f"{part}.toml").read_text("utf-8"))
    for code, told in document.items():
        yield Entry(code=code, part=part, **told)


@cache
def _patterns(matches: tuple[str, ...]) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    return tuple(_compiled(one) for match in matches for one in _forms(match))


def _forms(match: str) -> Iterator[str]:
    yield match
    if _HEX.fullmatch(match):
        yield str(2**32 - int(match, 16))


def _compiled(match: str) -> tuple[bool, re.Pattern[str]]:
    """Return a pattern for the whole word; a code may come with 0x or a minus in front."""
    is_code = bool(_HEX.fullmatch(match)) or match.isdecimal()
    front = "(?:0x)?" if is_code else ""
    return is_code, re.compile(f"(?<!{_WORD}){front}{re.escape(match)}(?!{_WORD})", re.IGNORECASE)
