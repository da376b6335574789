"""`tether enable`: sync is turned on for mailboxes, for all of them or some."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from cli.clients import directory_clients
from cli.environment import find_settings, native_sync
from cli.groups import members_of
from cli.output import Output, agree
from cli.running import FAILED, AsJson, SettingsFile, Yes, run
from shared.catalogue import entry
from shared.dataverse.client import DataverseClient
from shared.dataverse.enabling import approval_of, turn_on
from shared.dataverse.readiness import NativeSync, Terms
from shared.dataverse.seat_states import SeatState, codes_of, state_of
from shared.dataverse.seats import Seat, read_all_seats, read_seats, read_seats_at
from shared.graph.client import Graph
from shared.sync.enabling import Enabler

app = typer.Typer()
_AT_ONCE = 100  # mailboxes in one round trip, so that progress shows
_UNKNOWN = "user-not-in-dynamics"
_INACTIVE = "mailbox-inactive"


class Outcome(StrEnum):
    """What became of a mailbox; `skipped` is what turning on cannot mend."""

    ENABLED = "enabled"
    WAITING = "waiting"
    LACKING = "lacking"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Turned:
    """One mailbox: what became of it, what was done for it, what it lacks, what was refused."""

    name: str
    outcome: Outcome
    done: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def said(self) -> str:
        """What is to be told besides the outcome."""
        return self.problem or "; ".join(entry(code).title for code in self.codes)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The mailboxes that were asked for, and the names among them that Dynamics does not know."""

    seats: list[Seat]
    unknown: list[str]

    @classmethod
    async def everything(cls, dataverse: DataverseClient) -> Self:
        """Choose all there are."""
        return cls([seat for seat in await read_all_seats(dataverse) if seat.mailbox], [])

    @classmethod
    async def group(cls, graph: Graph, dataverse: DataverseClient, group: str) -> Self:
        """Choose those of the people in a group."""
        members = await members_of(graph, group)
        seats = await read_seats(dataverse, list(members)) if members else []
        found = {seat.id for seat in seats}
        return cls(seats, [name for member, name in members.items() if member not in found])

    @classmethod
    async def named(cls, dataverse: DataverseClient, addresses: Sequence[str]) -> Self:
        """Choose those with some addresses or user names."""
        seats = await read_seats_at(dataverse, addresses)
        found = {name.lower() for seat in seats for name in (seat.address, seat.user_name)}
        return cls(seats, [one for one in addresses if one.lower() not in found])


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: some addresses, a group, or else everything."""

    addresses: tuple[str, ...]
    group: str | None

    async def chosen(self, graph: Graph, dataverse: DataverseClient) -> Chosen:
        """Return whom that means."""
        if self.addresses:
            return await Chosen.named(dataverse, self.addresses)
        if self.group:
            return await Chosen.group(graph, dataverse, self.group)
        return await Chosen.everything(dataverse)


@app.command(epilog="Example: tether enable --group sellers@contoso.com --dry-run")
def enable(
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Mailboxes to turn on.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every enabled user's mailbox in Dynamics.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="ID", help="Who is in this group: its id or mail address."),
    ] = None,
    approve: Annotated[
        bool,
        typer.Option("--approve", help="Approve the addresses, too, if you may; else it is asked."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Turn sync on for mailboxes: delivery methods, server profile, approval, Test & Enable.

    What is so already is left, so it can be repeated. Dynamics tests for some minutes; the app
    enrols what is ready at its next pass. Where NATIVE_SYNC is instead, Tether tests them at once.
    Exit code 1 if one was refused, or an address is nobody's.
    """
    if sum((everything, group is not None, bool(addresses))) != 1:
        raise typer.BadParameter("say which: addresses, --group, or --all")
    output = Output(as_json=as_json)
    asked = Asked(tuple(addresses or ()), group)
    run(_enable(output, settings, asked, approve=approve, dry_run=dry_run, yes=yes),
        as_json=as_json)  # fmt: skip


async def _enable(
    output: Output, settings: Path | None, asked: Asked, *, approve: bool, dry_run: bool, yes: bool
) -> int:
    native = native_sync(find_settings(settings, os.environ))
    async with directory_clients(settings) as (graph, dataverse):
        enabler = Enabler(graph, dataverse, native)
        with output.waiting("asking who they are"):
            terms = await enabler.terms()
            chosen = await asked.chosen(graph, dataverse)
        due = [seat for seat in chosen.seats if _can_be(seat, terms)]
        if dry_run:
            turned = [_planned(seat, terms, approve=approve) for seat in due]
        elif due and not agree(
            f"Turn sync on for {len(due)} mailboxes?", yes=yes, as_json=output.as_json
        ):
            return FAILED
        else:
            turned = []
            with output.progress("turning on", len(due)) as advance:
                for some in batched(due, _AT_ONCE, strict=False):
                    turned += await _turn(enabler, dataverse, some, terms, approve=approve)
                    advance(len(some))
    inactive = [seat.address or seat.id for seat in chosen.seats if seat not in due]
    turned += [Turned(name, Outcome.SKIPPED, codes=(_INACTIVE,)) for name in inactive]
    turned += [Turned(name, Outcome.SKIPPED, codes=(_UNKNOWN,)) for name in chosen.unknown]
    _say(output, turned, dry_run=dry_run)
    bad = {Outcome.REFUSED, Outcome.SKIPPED} if asked.addresses else {Outcome.REFUSED}
    return FAILED if any(one.outcome in bad for one in turned) else 0


def _can_be(seat: Seat, terms: Terms) -> bool:
    return not seat.is_inactive(terms) and not (
        seat.mailbox is None and terms.native is NativeSync.BESIDE
    )


def _planned(seat: Seat, terms: Terms, *, approve: bool) -> Turned:
    """Return what is to be done for a mailbox, and how it stands now."""
    plan = turn_on(seat, terms, approve=approve)
    approval = ("approve the address",) if approve and approval_of(seat, terms) else ()
    codes = tuple(codes_of(seat, terms))
    return Turned(seat.address or seat.id, _outcome(seat, terms), (*approval, *plan.told), codes)


async def _turn(
    enabler: Enabler,
    dataverse: DataverseClient,
    seats: Sequence[Seat],
    terms: Terms,
    *,
    approve: bool,
) -> list[Turned]:
    planned = {seat.id: _planned(seat, terms, approve=approve).done for seat in seats}
    problems = await enabler.turn_on(seats, terms, approve=approve)
    now = await read_seats(dataverse, list(planned))
    return [_turned(seat, terms, planned[seat.id], problems.get(seat.id, "")) for seat in now]


def _turned(seat: Seat, terms: Terms, done: tuple[str, ...], problem: str) -> Turned:
    outcome = Outcome.REFUSED if problem else _outcome(seat, terms)
    codes = tuple(codes_of(seat, terms))
    return Turned(seat.address or seat.id, outcome, () if problem else done, codes, problem)


def _outcome(seat: Seat, terms: Terms) -> Outcome:
    match state_of(seat, terms):
        case SeatState.ENABLED:
            return Outcome.ENABLED
        case SeatState.WAITING:
            return Outcome.WAITING
        case SeatState.NOT_ENABLED:
            return Outcome.LACKING


def _say(output: Output, turned: Sequence[Turned], *, dry_run: bool) -> None:
    if output.as_json:
        output.document([_told(one) for one in turned])
        return
    rows = [(one.name, one.outcome, "; ".join(one.done), one.said) for one in turned]
    columns = ("stands", "to be done") if dry_run else ("outcome", "done")
    output.table(("mailbox", *columns, "lacking"), rows, title="Mailboxes")


def _told(one: Turned) -> dict[str, Any]:
    return {
        "name": one.name,
        "outcome": one.outcome,
        "done": list(one.done),
        "codes": list(one.codes),
        "problem": one.problem,
    }
