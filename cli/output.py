"""What a command says: tables for people, tabs for pipes, JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

COLOURS = {
    "ok": "green", "create": "green", "live": "green", "present": "green", "enrolled": "green",
    "warning": "yellow", "change": "yellow", "former": "yellow", "suspended": "yellow",
    "failed": "red", "refuse": "red", "missing": "red", "expired": "red", "unknown": "red",
}  # fmt: skip


class Output:
    """Says things on standard output; what is only for a person who waits goes to the other."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._aside = Console(stderr=True, highlight=False)

    def document(self, document: Any) -> None:  # noqa: ANN401 - JSON
        """Say JSON."""
        typer.echo(json.dumps(document, indent=2, default=_plain))

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
    ) -> None:
        """Say a table; one that is longer than the screen can be leafed through."""
        listed = [[_cell(cell) for cell in row] for row in rows]
        if not self._out.is_terminal:
            for row in [list(columns), *listed]:
                typer.echo("\t".join(cell.replace("\n", " ") for cell in row))
            return
        table = Table(*columns, title=title or None)
        for row in listed:
            table.add_row(*(_coloured(cell) for cell in row))
        if len(listed) < self._out.height:
            self._out.print(table)
            return
        with self._out.pager(styles=True):
            self._out.print(table)

    def say(self, text: str, *, colour: str = "") -> None:
        """Say a line."""
        self._out.print(text, style=colour or None, markup=False)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something goes on, on a terminal."""
        if self.as_json or not self._aside.is_terminal:
            yield
            return
        with self._aside.status(text):
            yield

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator["Advance"]:
        """Show how far something is, on a terminal."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._aside,
            transient=True,
            disable=self.as_json or not self._aside.is_terminal,
        ) as progress:
            yield Advance(progress, text, total)


class Advance:
    """Moves a progress bar on."""

    def __init__(self, progress: Progress, text: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(text, total=total)

    def __call__(self, number: int = 1) -> None:
        """So many more are done."""
        self._progress.advance(self._task, number)


def agree(question: str, *, yes: bool, as_json: bool) -> bool:
    """Ask before something is done, unless it was said beforehand.

    Raises:
        BadParameter: there is nobody to ask.
    """
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter("there is nobody to ask here: say --yes if it is meant")
    return typer.confirm(question)


def shown(moment: datetime | None) -> str:
    """Return a moment as people read it, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return shown(value)
    return "" if value is None else str(value)


def _coloured(cell: str) -> str:
    escaped = cell.replace("[", "\\[")
    colour = COLOURS.get(cell)
    return f"[{colour}]{escaped}[/]" if colour else escaped


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
