"""`make run`: items arriving in a tenant, Dynamics in step: shown live, then accounted for."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live

from bench import story
from bench.checking import differences, note_rows
from bench.journal import Journal
from bench.own import Files, bring_calendars, bring_mail, nothing_came, own_calendars, own_mail
from bench.running import Run
from bench.stack import SELDOM, TetherStack
from bench.story.people import tenant
from bench.tables import clicks_table, cost_table, journal_table
from sandbox.tenant import Tenant
from shared.identifiers import Kind

_SHOWN_AT_ONCE = 30


def main() -> int:
    """Run the story, or with the user's own items; return 0 only if Dynamics is exactly right."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--mail", type=Path, metavar="PATH", help=".eml, a folder of them, or mbox")
    parser.add_argument("--ics", type=Path, metavar="PATH", help=".ics, or a folder of them")
    options = parser.parse_args()
    own: dict[Kind, Files] = {}
    for kind, variable, path, take in (
        (Kind.MAIL, "MAIL", options.mail, own_mail),
        (Kind.CALENDAR, "ICS", options.ics, own_calendars),
    ):
        try:
            own |= {kind: take(path)} if path else {}
        except OSError as problem:
            parser.error(f"{variable}: {problem}")
    return asyncio.run(_run(tenant(), own))


async def _run(tenant: Tenant, own: dict[Kind, Files]) -> int:
    console = Console()
    began = time.perf_counter()
    # The story has tasks asked for when there are any, not at some moment between.
    stack = TetherStack(tenant, settings={"TASKS_POLLING_SCHEDULE": SELDOM})
    with console.status("starting a tenant on this machine, and the function app in it"):
        await stack.start()
    console.print(f"[bold]Tether is up[/] after {time.perf_counter() - began:.1f} s")
    stack.services.surroundings.stats.reset()
    stack.services.servicebus.reset_operations()
    try:
        with Live(console=console, refresh_per_second=10, transient=True) as live:

            def show(journal: Journal) -> None:
                live.update(journal_table(journal, "Items arriving", last=_SHOWN_AT_ONCE))

            async with Run(stack, show) as run:
                await (_bring(run, own) if own else story.tell(run))
                counters = stack.services.stats()
                found = [*nothing_came(run, own), *await differences(run)]
                await note_rows(run)
                waiting = await _catch_up_needed(stack)
    finally:
        await stack.stop()
    console.print(journal_table(run.journal, "What became of each item"))
    if run.journal.clicks:
        console.print(clicks_table(run.journal, "What people were told in Outlook"))
    console.print(cost_table(run.journal, counters))
    for problem in [*waiting, *found]:
        console.print(f"[red]✗[/] {problem}", highlight=False, markup=True)
    if found:
        return 1
    console.print("[green]✓[/] Dynamics holds exactly what it should.")
    return 0


async def _bring(run: Run, own: dict[Kind, Files]) -> None:
    bringing: dict[Kind, Callable[[Run, Files], Awaitable[None]]] = {
        Kind.MAIL: bring_mail,
        Kind.CALENDAR: bring_calendars,
    }
    for kind, files in own.items():
        await bringing[kind](run, files)


async def _catch_up_needed(stack: TetherStack) -> list[str]:
    rows = await stack.rows(
        "tether_mailboxes?$select=tether_name,tether_catchupreason"
        "&$filter=tether_catchupneededsince ne null"
    )
    return [f"{row['tether_name']} needs a catch-up: {row['tether_catchupreason']}" for row in rows]


if __name__ == "__main__":
    sys.exit(main())
