"""`make run`: mail arriving in a tenant, Dynamics in step: shown live, then accounted for."""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bench import story
from bench.checking import differences
from bench.journal import Journal
from bench.mail import mails_at
from bench.running import Run
from bench.stack import TetherStack
from sandbox.store import Document
from sandbox.tenant import Tenant

_SHOWN_AT_ONCE = 30
_STYLES = {"tracked": "green", "unlinked": "magenta", "ignored": "dim"}


def main() -> int:
    """Run the story, or the user's own mail, and return 0 only if Dynamics is exactly right."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--mail", type=Path, metavar="PATH", help=".eml, a folder of them, or mbox")
    options = parser.parse_args()
    tell: Callable[[Run], Awaitable[None]] = story.tell
    if options.mail:
        try:
            mails = list(mails_at(options.mail))
        except OSError as problem:
            parser.error(f"MAIL: {problem}")

        async def tell(run: Run) -> None:
            await _own_mail(run, mails)

    return asyncio.run(_run(story.tenant(), tell))


async def _run(tenant: Tenant, tell: Callable[[Run], Awaitable[None]]) -> int:
    console = Console()
    began = time.perf_counter()
    stack = TetherStack(tenant)
    with console.status("starting a tenant on this machine, and the function app in it"):
        await stack.start()
    console.print(f"[bold]Tether is up[/] after {time.perf_counter() - began:.1f} s")
    stack.services.surroundings.stats.reset()
    stack.services.servicebus.reset_operations()
    try:
        with Live(console=console, refresh_per_second=10, transient=True) as live:

            def show(journal: Journal) -> None:
                live.update(_journal_table(journal, "Mail arriving", last=_SHOWN_AT_ONCE))

            async with Run(stack, show) as run:
                await tell(run)
                counters = stack.services.stats()
                found = await differences(run)
                waiting = await _catch_up_needed(stack)
    finally:
        await stack.stop()
    console.print(_journal_table(run.journal, "What became of each mail"))
    console.print(_cost_table(run.journal, counters))
    for problem in [*waiting, *found]:
        console.print(f"[red]✗[/] {problem}", highlight=False)
    if found:
        return 1
    console.print("[green]✓[/] Dynamics holds exactly what it should.")
    return 0


async def _own_mail(run: Run, mails: list[tuple[str, bytes]]) -> None:
    """Let the user's own mail arrive in one mailbox that tracks everything."""
    first: dict[str, str] = {}
    for name, mail in mails:
        await run.deliver(story.ADA, mail, "")
        line = run.journal.lines[-1]
        line.subject = f"{name}: {line.subject}"
        first.setdefault(line.message_id, line.item)
    await run.quiet()
    for line in run.journal.lines:
        is_settled = line.outcome.startswith(("tracked", "ignored: a meeting message"))
        line.expected = line.outcome if is_settled else "tracked or ignored with a reason"


async def _catch_up_needed(stack: TetherStack) -> list[str]:
    rows = await stack.rows(
        "tether_mailboxes?$select=tether_name,tether_catchupreason"
        "&$filter=tether_catchupneededsince ne null"
    )
    return [f"{row['tether_name']} needs a catch-up: {row['tether_catchupreason']}" for row in rows]


def _journal_table(journal: Journal, title: str, *, last: int | None = None) -> Table:
    table = Table("mailbox", "mail", "outcome", title=title)
    table.add_column("notification → row", justify="right")
    lines = journal.lines[-last:] if last else journal.lines
    for line in lines:
        style = _STYLES.get(line.outcome.partition(":")[0], "yellow")
        took = f"{line.lag * 1000:.0f} ms" if line.lag is not None else ""
        alias = line.upn.partition("@")[0]
        table.add_row(alias, line.subject, f"[{style}]{line.outcome}[/]", took)
    return table


def _cost_table(journal: Journal, counters: Document) -> Table:
    """Show what it cost; the run's own look at Dynamics comes after these counters were read."""
    lags = [line.lag for line in journal.lines if line.lag is not None]
    tracked = len(lags)
    graph, dataverse = counters["graph"], counters["dataverse"]
    reads = graph["batched"].get("GET /users/{id}/messages/{id}", 0)
    stamps = graph["batched"].get("PATCH /users/{id}/messages/{id}", 0)
    batches = graph["operations"].get("POST /$batch", 0)
    round_trips = dataverse["operations"].get("POST $batch", 0)
    table = Table("cost", "count", title="What it cost")
    table.add_row("mails delivered", str(len(journal.lines)))
    table.add_row("tracked", str(tracked))
    if lags:
        table.add_row("notification → row, median", f"{statistics.median(lags) * 1000:.0f} ms")
        table.add_row("notification → row, slowest", f"{max(lags) * 1000:.0f} ms")
    table.add_row("Graph requests", f"{batches}  ({reads} mails read, {stamps} categories put on)")
    table.add_row("Dataverse requests", str(round_trips))
    table.add_row("Service Bus sends", str(counters["servicebus"]["operations"]["sends"]))
    if tracked:
        each = (batches + round_trips) / tracked
        table.add_row("Graph and Dataverse requests per tracked mail", f"{each:.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
