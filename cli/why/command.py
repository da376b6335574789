"""`tether why`: why an item is or is not in Dynamics."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.clients import Clients, all_clients
from cli.output import Output
from cli.running import FAILED, USAGE, AsJson, SettingsFile, fail, run
from cli.why.answering import Answer, answer, refused_answer
from cli.why.describing import Described
from cli.why.naming import MOST, Naming
from cli.why.saying import described, document, facts
from cli.why.wording import headline
from shared.catalogue import entry
from shared.dataverse.client import Dataverse
from shared.dataverse.seats import Seat, read_seats, read_seats_at
from shared.errors import Misconfigured
from shared.identifiers import ItemId, Kind, MailboxId
from shared.tracking.contract import State
from shared.tracking.problems import Refusal

app = typer.Typer()
_NOBODY = "user-not-in-dynamics"


@app.command(epilog="Example: tether why 'Quote 4711' --mailbox ada@contoso.com")
def why(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Message-ID, iCalUId, the item's id, or part of its subject."
        ),
    ],
    mailbox: Annotated[
        str, typer.Option("--mailbox", metavar="ADDRESS", help="Whose: address, user name, or id.")
    ],
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="Only this kind; else mail and meetings.")
    ] = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Say why an item is or is not in Dynamics, and what to do about it. Nothing is changed.

    A subject is searched for in the last year. Exit code 0 if the item is in Dynamics and nothing
    is wrong with it.
    """
    if not name.strip():
        raise typer.BadParameter("say which: a Message-ID, an iCalUId, an id, or a subject")
    run(_why(Output(as_json=as_json), settings, name.strip(), mailbox, kind), as_json=as_json)


async def _why(
    output: Output, settings: Path | None, name: str, mailbox: str, kind: Kind | None
) -> int:
    now = datetime.now(UTC)
    async with all_clients(settings) as clients:
        with output.waiting("looking at both sides"):
            seat = await _seat(clients.dataverse, mailbox)
            try:
                items = await _meant(clients, seat, name, kind, now)
            except Refusal as refusal:
                item = Described(kind or Kind.MAIL, ItemId(name), "")
                found = await refused_answer(clients, seat, item, refusal)
            else:
                if len(items) > 1:
                    return _choose(output, items, name, seat.address)
                found = await answer(clients, seat, items[0], now)
    _say(output, found)
    well = found.status and found.status.state is State.SAVED
    return 0 if well and not (found.trouble or found.waiting.parked) else FAILED


async def _seat(dataverse: Dataverse, mailbox: str) -> Seat:
    """Return whose mailbox it is.

    Raises:
        Misconfigured: nobody in Dynamics has it.
    """
    try:
        seats = await read_seats(dataverse, [MailboxId(str(UUID(mailbox)))])
    except ValueError:
        seats = await read_seats_at(dataverse, [mailbox])
    if not seats:
        words = entry(_NOBODY)
        raise Misconfigured(f"{mailbox}: {words.title} ({words.code}). {words.remedy}")
    return seats[0]


async def _meant(
    clients: Clients, seat: Seat, name: str, kind: Kind | None, now: datetime
) -> list[Described]:
    """Return the items that may be meant.

    Raises:
        Misconfigured: there is none.
    """
    found = await Naming(clients.graph, clients.dataverse, seat.id).find(name, kind, now)
    if not found:
        raise Misconfigured(
            f"There is nothing named '{name}' in {seat.address}, nor does Dynamics know of it."
            " A subject is searched for in the last year only; for contacts and tasks give --kind."
        )
    return found


def _choose(output: Output, items: list[Described], name: str, address: str) -> int:
    """Show what may be meant, and how to say which."""
    if output.as_json:
        output.document({"found": [described(one) for one in items]})
    else:
        rows = [(one.kind, one.when, one.subject, _naming(one, items)) for one in items]
        output.table(("kind", "when", "subject", "name"), rows, title=f"'{name}' in {address}")
    most = " at least" if len(items) == MOST else ""
    problem = f"'{name}' may be{most} {len(items)} items: say which by its name in the last column."
    return fail(problem, USAGE, as_json=output.as_json)


def _naming(one: Described, items: list[Described]) -> str:
    """Return what names one item alone: a mail to oneself is there twice."""
    alone = sum(other.name == one.name for other in items) == 1
    return one.name if one.name and alone else one.item


def _say(output: Output, found: Answer) -> None:
    if output.as_json:
        output.document(document(found))
        return
    output.say(headline(found))
    output.table(("what", "value"), list(facts(found)))
