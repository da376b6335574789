"""`tether mailboxes`: how each mailbox stands."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.clients import dataverse_client
from cli.environment import find_settings, native_sync
from cli.output import Output
from cli.running import AsJson, SettingsFile, run
from shared.dataverse.standing import Standing, read_standings

app = typer.Typer()
_NOT_MEANT = "it is not set to server-side synchronization, or its user is disabled"


@app.command(epilog="Example: tether mailboxes --problems --json")
def mailboxes(
    settings: SettingsFile = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only those with something to look at.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the mailboxes: readiness, what waits, freshness, catch-up, last error. Times UTC."""
    run(_list(Output(as_json=as_json), settings, problems=problems), as_json=as_json)


async def _list(output: Output, settings: Path | None, *, problems: bool) -> None:
    async with dataverse_client(settings) as client:
        with output.waiting("asking Dynamics"):
            native = native_sync(find_settings(settings, os.environ))
            found = await read_standings(client, native)
    listed = [one for one in found if _has_problem(one)] if problems else found
    if output.as_json:
        output.document([_told(one) for one in listed])
        return
    output.table(
        ("mailbox", "state", "ready", "pending", "fresh", "catch-up since", "why", "last error"),
        (
            (
                one.name or one.id,
                one.state or "not enrolled",
                "; ".join(said for _, said in _lacking(one)) or "yes",
                one.pending or None,
                one.fresh,
                one.catch_up_needed_since,
                one.catch_up_reason,
                one.last_error,
            )
            for one in listed
        ),
        title="Mailboxes",
    )


def _has_problem(one: Standing) -> bool:
    return bool(
        one.state != "enrolled" or _lacking(one) or one.catch_up_needed_since or one.last_error
    )


def _lacking(one: Standing) -> list[tuple[str, str]]:
    """Return what a mailbox lacks, and what else must be mended, each with its code."""
    if one.lacking is None:
        return [("mailbox-not-enabled", _NOT_MEANT)]
    return [(condition.code, condition.lacking) for condition in (*one.lacking, *one.noted)]


def _told(one: Standing) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state or "not enrolled",
        "ready": one.ready,
        "lacking": [said for _, said in _lacking(one)],
        "codes": [code for code, _ in _lacking(one)],
        "pending": one.pending,
        "fresh": one.fresh,
        "catchUpNeededSince": one.catch_up_needed_since,
        "catchUpReason": one.catch_up_reason,
        "lastError": one.last_error,
    }
