"""Writes docs/troubleshooting.md from the catalogue: `python -m scripts.troubleshooting`."""

from collections.abc import Iterator
from pathlib import Path

from shared.catalogue import Entry, entries
from shared.catalogue.catalogue import FILES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "troubleshooting.md"
_PARTS = {
    "readiness": "What a mailbox lacks",
    "mailbox": "What Dynamics, Exchange and Graph say of a mailbox",
    "item": "Why an item is not in Dynamics",
    "api": "What the API refuses",
}
_INTRODUCTION = """\
# Troubleshooting

Every trouble Tether tells of has a code that never changes: the API's problems, `tether doctor`
and `tether mailboxes` name it. Here are all of them, with the sentence a seller reads, the one for
the administrator, and the remedy. *Known by* is how the services name it in their own words.

This page is made of [shared/catalogue](../shared/catalogue): change an entry there, and run
`make docs`.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_contents(), *(line for part in FILES for line in _of(part))])


def _contents() -> Iterator[str]:
    yield "| code | what it is |"
    yield "|---|---|"
    for one in entries().values():
        yield f"| [`{one.code}`](#{one.code}) | {one.title} |"
    yield ""


def _of(part: str) -> Iterator[str]:
    yield f"## {_PARTS[part]}\n"
    for one in entries().values():
        if one.part == part:
            yield from _entry(one)


def _entry(one: Entry) -> Iterator[str]:
    yield f"### {one.code}\n"
    yield f"**{one.title}.** {_sentence(one.cause)}\n"
    yield f"- Seller: {one.seller}"
    yield f"- Administrator: {one.administrator}"
    yield f"- Remedy: {_sentence(one.remedy)}"
    if one.matches:
        yield f"- Known by: {', '.join(f'`{match}`' for match in one.matches)}"
    if one.page:
        yield f"- Microsoft on it: <{one.page}>"
    yield ""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}".removesuffix(".") + "."


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
