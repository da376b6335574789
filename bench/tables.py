"""What `make run` shows: what became of each item, and what it cost."""

import statistics
from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from bench.journal import Journal
from sandbox.store import Document
from shared.identifiers import Kind

_STYLES = {"tracked": "green", "unlinked": "magenta", "ignored": "dim", "left out": "dim"}
_NOUNS = {Kind.MAIL: "mail", Kind.CALENDAR: "event", Kind.CONTACTS: "contact", Kind.TASKS: "task"}
_READS = {
    Kind.MAIL: ("GET /users/{id}/messages/{id}",),
    Kind.CALENDAR: ("GET /users/{id}/events/{id}", "GET /users/{id}/events/{id}/instances"),
    Kind.CONTACTS: ("GET /users/{id}/contacts/{id}",),
    Kind.TASKS: ("GET /users/{id}/todo/lists/{id}/tasks/{id}",),
}
# What the app asks for, apart from what the run writes as people do: the second one is the poll's.
_ROUND_TRIPS = ("POST $batch", "GET tether_mailboxes")
_POLLS = ("GET /users/{id}/todo/lists/delta", "GET /users/{id}/todo/lists/{id}/tasks/delta")
_UNASKED: Document = {"operations": {}, "batched": {}}
_STAMP = "PATCH /users/{id}/"


def journal_table(journal: Journal, title: str, *, last: int | None = None) -> Table:
    """Show what became of each item; `last` shows only so many of them."""
    table = Table("mailbox", "kind", "item", "outcome", title=title)
    table.add_column("to the row", justify="right")
    for line in journal.lines[-last:] if last else journal.lines:
        style = _STYLES.get(line.outcome.partition(":")[0], "yellow")
        took = f"{line.lag * 1000:.0f} ms" if line.lag is not None else ""
        outcome = f"{line.outcome} ({line.held})" if line.held else line.outcome
        table.add_row(
            line.upn.partition("@")[0],
            _NOUNS[line.kind],
            escape(line.subject),
            f"[{style}]{escape(outcome)}[/]",
            took,
        )
    return table


def clicks_table(journal: Journal, title: str) -> Table:
    """Show what people clicked, and what they were told."""
    table = Table("who", "clicks", "answer", "in words", title=title)
    for click in journal.clicks:
        style = "green" if click.told == click.expected else "red"
        table.add_row(
            click.upn.partition("@")[0],
            escape(click.did),
            f"[{style}]{escape(click.told)}[/]",
            escape(click.words),
        )
    return table


def cost_table(journal: Journal, counters: Document) -> Table:
    """Show what it cost; the run's own look at Dynamics comes after these counters were read."""
    lags = [line.lag for line in journal.lines if line.lag is not None]
    graph, dataverse = (counters.get(name, _UNASKED) for name in ("graph", "dataverse"))
    batches = graph["operations"].get("POST /$batch", 0)
    round_trips = sum(dataverse["operations"].get(one, 0) for one in _ROUND_TRIPS)
    table = Table("cost", "count", title="What it cost")
    came = {kind: len(journal.of(kind)) for kind in Kind}
    arrived = ", ".join(f"{n} {_NOUNS[kind]}{_s(n)}" for kind, n in came.items() if n)
    table.add_row("items in mailboxes", arrived)
    table.add_row("tracked", str(len(lags)))
    if lags:
        table.add_row("notification → row, median", f"{statistics.median(lags) * 1000:.0f} ms")
        table.add_row("notification → row, slowest", f"{max(lags) * 1000:.0f} ms")
    if journal.clicks:
        table.add_row("clicks in Outlook", str(len(journal.clicks)))
    table.add_row("Graph requests", str(batches))
    for what, number in _parts(graph["batched"]).items():
        table.add_row(f"  {what}", str(number))
    table.add_row("Dataverse requests", str(round_trips))
    table.add_row("Service Bus sends", str(counters["servicebus"]["operations"]["sends"]))
    if lags:
        each = (batches + round_trips) / len(lags)
        table.add_row("Graph and Dataverse requests per tracked item", f"{each:.2f}")
    return table


def _parts(batched: Mapping[str, int]) -> dict[str, int]:
    """Return what was in the batches of Graph, by what it was for."""
    reads = {
        f"{_NOUNS[kind]}s read": sum(batched.get(one, 0) for one in operations)
        for kind, operations in _READS.items()
    }
    polls = sum(batched.get(one, 0) for one in _POLLS)
    stamps = sum(n for operation, n in batched.items() if operation.startswith(_STAMP))
    found = {**reads, "task lists asked for changes": polls, "categories put on": stamps}
    return {what: number for what, number in found.items() if number}


def _s(number: int) -> str:
    return "" if number == 1 else "s"
