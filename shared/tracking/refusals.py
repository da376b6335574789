"""The words for what the API itself refuses, read from `refusals.toml`."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

SOURCE = Path(__file__).with_suffix(".toml")
PAGE = "docs/api.md#problems"


class Words(BaseModel):
    """What one code means to whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    title: str
    seller: str
    administrator: str
    cause: str
    remedy: str
    page: str | None = PAGE


@cache
def refusals() -> dict[str, Words]:
    """Return the words of every code."""
    source = tomllib.loads(SOURCE.read_text("utf-8"))
    return {code: Words(code=code, **words) for code, words in source.items()}


def words_for(code: str) -> Words:
    """Return the words for a code.

    Raises:
        KeyError: there is no such code.
    """
    return refusals()[code]
