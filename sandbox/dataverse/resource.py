"""URLs of the Web API: path segments with keys, and the query."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus
from uuid import UUID

from sandbox.dataverse.errors import DataverseError, bad_url

PREFIX = "/api/data/v9.2/"
FORBIDDEN_IN_KEYS = frozenset("/<>*%&:\\?+")
SYSTEM_OPTIONS = ("select", "filter", "orderby", "top", "expand", "count", "skiptoken")
KNOWN_OPTIONS = {f"${name}" for name in (*SYSTEM_OPTIONS, "deltatoken", "id")}
OTHER_OPTIONS = {"tag", "SolutionUniqueName"}  # a shared variable; a parameter of CreateEntities
MAX_URL = 64 * 1024  # characters
ABSOLUTE = re.compile(r"\Ahttps?://[^/]*")

type KeyValue = str | int | float | UUID

SEGMENT = re.compile(r"(?P<name>[$\w.]+)(?:\((?P<key>.*)\))?\Z", re.DOTALL)
KEY_PART = re.compile(
    r"(?P<name>\w+)=(?:'(?P<text>(?:[^']|'')*)'|(?P<alias>@\w+)|(?P<bare>[^',]+))(?:,|\Z)"
)


class Segment(NamedTuple):
    """One part of a path; `key` is None without parentheses, `{"": id}` for an unnamed key."""

    name: str
    key: Mapping[str, KeyValue] | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """A parsed URL: the path below the service root, and the decoded query options."""

    segments: tuple[Segment, ...]
    query: Mapping[str, str]

    @property
    def aliases(self) -> dict[str, str]:
        """The parameter aliases, e.g. `@p1`."""
        return {name: value for name, value in self.query.items() if name.startswith("@")}


def parse_url(url: str) -> Resource:
    """Parse a URL, absolute, starting at the service root's path, or relative to the root.

    Raises:
        DataverseError: the URL does not parse or is longer than 64 KB.
    """
    if len(url) > MAX_URL:
        raise DataverseError(414, "", "The request URI is too long.")
    path, _, query = url.partition("?")
    path = ABSOLUTE.sub("", path).removeprefix(PREFIX)
    segments = tuple(_segment(part) for part in _split(path.strip("/")) if part)
    return Resource(segments, parse_query(query))


def parse_query(query: str) -> dict[str, str]:
    """Parse a raw query.

    Raises:
        DataverseError: an option is unknown or given twice.
    """
    options: dict[str, str] = {}
    for part in query.split("&"):
        raw_name, _, raw_value = part.partition("=")
        name = unquote_plus(raw_name)
        if not name:
            continue
        if name in options:
            raise bad_url(f"Query option '{name}' was specified more than once.")
        if not name.startswith("@") and name not in KNOWN_OPTIONS | OTHER_OPTIONS:
            raise bad_url(f"The query parameter {name} is not supported.")
        options[name] = unquote_plus(raw_value)
    return options


def _split(path: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for position, character in enumerate(path):
        if character == "'":
            quoted = not quoted
        elif character == "/" and not quoted:
            parts.append(path[start:position])
            start = position + 1
    return [*parts, path[start:]]


def _segment(raw: str) -> Segment:
    match = SEGMENT.match(unquote(raw))
    if match is None:
        raise bad_url()
    key = match["key"]
    return Segment(match["name"], None if key is None else _key(key))


def _key(text: str) -> dict[str, KeyValue]:
    if not text:
        return {}
    if "=" not in text:
        return {"": _bare(text)}
    values: dict[str, KeyValue] = {}
    position = 0
    while position < len(text):
        match = KEY_PART.match(text, position)
        if match is None:
            raise bad_url()
        values[match["name"]] = _key_value(match)
        position = match.end()
    return values


def _key_value(match: re.Match[str]) -> KeyValue:
    if match["alias"]:
        return match["alias"]
    if match["text"] is None:
        return _bare(match["bare"])
    text = match["text"].replace("''", "'")
    if FORBIDDEN_IN_KEYS & set(text):
        raise bad_url()
    return text


def _bare(text: str) -> KeyValue:
    try:
        return UUID(text)
    except ValueError:
        pass
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise bad_url() from None
