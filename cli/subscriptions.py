"""`tether subscriptions`: what Graph tells the app of, and until when."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.clients import all_clients
from cli.output import Output
from cli.running import FAILED, AsJson, SettingsFile, run
from cli.watching import LIVE, compare, listed_subscriptions, present_seal
from shared.dataverse.standing import read_standings

app = typer.Typer()
_SHOWN = ("id", "resource", "notificationUrl", "expirationDateTime")


@app.command(epilog="Example: tether subscriptions --problems")
def subscriptions(
    settings: SettingsFile = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only what is not live, and what is unknown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the subscriptions of each enrolled mailbox, and those Graph has that no mailbox knows.

    Live ones are listed by Graph and reach the app; former ones were made with another key or for
    another address, and are replaced at the next pass. Exit code 1 if there is any that is not
    live.
    """
    run(_list(Output(as_json=as_json), settings, problems=problems), as_json=as_json)


async def _list(output: Output, settings: Path | None, *, problems: bool) -> int:
    async with all_clients(settings) as clients:
        with output.waiting("asking Dynamics and Graph"):
            standings = await read_standings(clients.dataverse, clients.settings.native_sync)
            listed = await listed_subscriptions(clients.graph)
            seal = present_seal(clients)
    watching = compare(standings, listed, seal=seal, now=datetime.now(UTC))
    watched = [one for one in watching.watched if one.state != LIVE or not problems]
    code = FAILED if any(one.state != LIVE for one in watched) else 0
    unknown = [{name: one.get(name) for name in _SHOWN} for one in watching.unknown]
    if output.as_json:
        output.document({"subscriptions": [asdict(one) for one in watched], "unknown": unknown})
        return code
    output.table(
        ("mailbox", "kind", "state", "expires", "id"),
        [(one.mailbox, one.kind, one.state, one.expires, one.id) for one in watched]
        + [("", "", "unknown", one["expirationDateTime"], one["id"]) for one in unknown],
        title="Subscriptions",
    )
    return code
