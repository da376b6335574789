"""`tether mailboxes`: how each mailbox stands."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.clients import dataverse_client
from cli.output import Output
from cli.running import AsJson, SettingsFile, run
from shared.dataverse.standing import Standing, read_standings

app = typer.Typer()


@app.command(epilog="Example: tether mailboxes --problems --json")
def mailboxes(
    settings: SettingsFile = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only those with something to look at.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the mailboxes: readiness, freshness, catch-up needed, last error. Times are UTC."""
    run(_list(Output(as_json=as_json), settings, problems=problems), as_json=as_json)


async def _list(output: Output, settings: Path | None, *, problems: bool) -> None:
    async with dataverse_client(settings) as client:
        with output.waiting("asking Dynamics"):
            found = await read_standings(client)
    listed = [one for one in found if _has_problem(one)] if problems else found
    if output.as_json:
        output.document([_told(one) for one in listed])
        return
    output.table(
        ("mailbox", "state", "ready", "fresh", "catch-up since", "why", "last error"),
        (
            (
                one.name or one.id,
                one.state or "not enrolled",
                "yes" if one.ready else "; ".join(_lacking(one)),
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
    return not (one.ready and one.state == "enrolled") or bool(
        one.catch_up_needed_since or one.last_error
    )


def _lacking(one: Standing) -> list[str]:
    if one.lacking is None:
        return ["it is not set to server-side synchronization, or its user is disabled"]
    return [condition.lacking for condition in one.lacking]


def _told(one: Standing) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state or "not enrolled",
        "ready": one.ready,
        "lacking": _lacking(one) if not one.ready else [],
        "fresh": one.fresh,
        "catchUpNeededSince": one.catch_up_needed_since,
        "catchUpReason": one.catch_up_reason,
        "lastError": one.last_error,
    }
