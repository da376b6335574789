"""`tether parked`: the changes that could not be done, and what to do about them."""

from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from azure.servicebus.exceptions import ServiceBusError

from cli.clients import all_clients
from cli.output import Output, agree
from cli.queue import Matches, Parked, Taking, chosen, peek
from cli.running import FAILED, AsJson, SettingsFile, Yes, run
from shared.errors import Misconfigured, Transient

app = typer.Typer(
    name="parked",
    no_args_is_help=True,
    help="Changes that could not be done: look at them, send them again, drop them.",
)
Numbers = Annotated[
    list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which; see tether parked list.")
]
ByKind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="Only of this kind, e.g. mail.")
]
ByReason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Only if the reason has this text.")
]
ByMailbox = Annotated[
    str | None, typer.Option("--mailbox", metavar="ID", help="Only of this mailbox.")
]
All = Annotated[bool, typer.Option("--all", help="All that the other options leave.")]


@app.command(name="list", epilog="Example: tether parked list --kind mail --reason privilege")
def list_(
    kind: ByKind = None,
    reason: ByReason = None,
    mailbox: ByMailbox = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """List what is parked, oldest first, with its reason. Times are UTC."""
    matches = chosen((), kind=kind, reason=reason, mailbox=mailbox)
    run(_list(Output(as_json=as_json), settings, matches, limit), as_json=as_json)


@app.command(epilog="Example: tether parked show 42")
def show(
    number: Annotated[int, typer.Argument(help="Which; see tether parked list.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one parked message: which item it is about and what was tried. It has no content."""
    run(_show(Output(as_json=as_json), settings, number), as_json=as_json)


@app.command(epilog="Example: tether parked replay --all --reason 'prvCreateActivity'")
def replay(
    numbers: Numbers = None,
    kind: ByKind = None,
    reason: ByReason = None,
    mailbox: ByMailbox = None,
    every: All = False,
    yes: Yes = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Send parked changes again, once the cause is mended. What cannot be read is left."""
    matches = chosen(numbers or (), kind=kind, reason=reason, mailbox=mailbox)
    work = _take(
        Output(as_json=as_json),
        settings,
        matches,
        _meant(numbers, every=every),
        yes=yes,
        drop=False,
    )
    run(work, as_json=as_json)


@app.command(epilog="Example: tether parked drop 42 43")
def drop(
    numbers: Numbers = None,
    kind: ByKind = None,
    reason: ByReason = None,
    mailbox: ByMailbox = None,
    every: All = False,
    yes: Yes = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Throw parked messages away, after asking. The items stay as they are on both sides."""
    matches = chosen(numbers or (), kind=kind, reason=reason, mailbox=mailbox)
    named, output = _meant(numbers, every=every), Output(as_json=as_json)
    run(_take(output, settings, matches, named, yes=yes, drop=True), as_json=as_json)


def _meant(numbers: list[int] | None, *, every: bool) -> int:
    """Return how many are named; 0 for all.

    Raises:
        BadParameter: neither numbers nor --all, or both.
    """
    if bool(numbers) == every:
        raise typer.BadParameter("say which: numbers (see tether parked list), or --all")
    return len(set(numbers or ()))


async def _list(output: Output, settings: Path | None, matches: Matches, limit: int) -> None:
    found, more = await _peeked(output, settings, matches, limit)
    if output.as_json:
        output.document([_told(one) for one in found])
        return
    output.table(
        ("number", "since", "kind", "mailbox", "replayed", "reason"),
        [
            (one.number, one.since, one.kind, one.mailbox, _replays(one), one.reason)
            for one in found
        ],
        title="Parked",
    )
    if more:
        output.say(f"The first {limit}; --limit gives more.")


async def _show(output: Output, settings: Path | None, number: int) -> int:
    found, _ = await _peeked(output, settings, lambda one: one.number == number, 1)
    if not found:
        raise Misconfigured(f"There is no parked message {number}; see tether parked list.")
    if output.as_json:
        output.document(_told(found[0]))
        return 0
    told = _told(found[0])
    changes = told.pop("changes") or [{"body": "it cannot be read"}]
    facts = [*told.items(), *(fact for change in changes for fact in change.items())]
    output.table(("what", "value"), facts, title=f"Parked message {number}")
    return 0


async def _take(
    output: Output, settings: Path | None, matches: Matches, named: int, *, yes: bool, drop: bool
) -> int:
    found, _ = await _peeked(output, settings, matches, None)
    meant = [one for one in found if drop or one.can_be_replayed]
    left = len(found) - len(meant)
    if len(found) < named:
        raise Misconfigured("Not all of these numbers are parked; see tether parked list.")
    verb = "Drop" if drop else "Replay"
    if meant and not agree(
        f"{verb} {len(meant)} parked messages?", yes=yes, as_json=output.as_json
    ):
        return FAILED
    done = await _taken(output, settings, {one.number for one in meant}, drop=drop)
    ending = "dropped" if drop else "replayed"
    if output.as_json:
        output.document({ending: done, "left": left})
    else:
        unreadable = f", {left} left: they cannot be read, only dropped" if left else ""
        output.say(f"{len(done)} {ending}{unreadable}.")
    return FAILED if len(done) < len(meant) or left else 0


async def _taken(
    output: Output, settings: Path | None, numbers: set[int], *, drop: bool
) -> list[int]:
    if not numbers:
        return []
    done: list[int] = []
    async with all_clients(settings) as clients:
        taking = Taking(clients.servicebus, numbers)
        with output.progress("dropping" if drop else "replaying", len(numbers)) as advance:
            try:
                async with aclosing(taking.drop() if drop else taking.replay()) as taken:
                    async for one in taken:
                        done.append(one.number)
                        advance()
            except ServiceBusError as error:
                raise Transient(f"Service Bus, after {len(done)}: {error}") from error
    return done


async def _peeked(
    output: Output, settings: Path | None, matches: Matches, limit: int | None
) -> tuple[list[Parked], bool]:
    found: list[Parked] = []
    async with all_clients(settings) as clients:
        with output.waiting("looking at what is parked"):
            try:
                async with aclosing(peek(clients.servicebus, matches)) as peeked:
                    async for one in peeked:
                        if limit is not None and len(found) == limit:
                            return found, True
                        found.append(one)
            except ServiceBusError as error:
                raise Transient(f"Service Bus queue 'parked': {error}") from error
    return found, False


def _replays(one: Parked) -> int:
    # The body says how often it will have been replayed once it is.
    return max((change.replays for change in one.changes or ()), default=1) - 1


def _told(one: Parked) -> dict[str, Any]:
    return {
        "number": one.number,
        "since": one.since,
        "kind": one.kind,
        "mailbox": one.mailbox,
        "reason": one.reason,
        "changes": None
        if one.changes is None
        else [change.model_dump(mode="json") for change in one.changes],
    }
