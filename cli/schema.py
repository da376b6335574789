"""`tether schema`: Tether's tables, views, charts and roles in Dynamics."""

import os
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.clients import dataverse_client
from cli.environment import find_settings
from cli.output import Output, agree
from cli.running import FAILED, AsJson, SettingsFile, Yes, run
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.apply import perform
from shared.dataverse.schema.found import read_environment
from shared.dataverse.schema.plan import plan_schema
from shared.dataverse.schema.solution import export_solution
from shared.dataverse.schema.steps import Plan, Step, Verb
from shared.errors import Misconfigured

app = typer.Typer(
    name="schema",
    no_args_is_help=True,
    help="Tether's tables, views, charts and security roles in Dynamics.",
)
AppUser = Annotated[
    str | None,
    typer.Option(
        "--app-user",
        metavar="ID",
        help="Application (client) id of the app's managed identity: it gets the service role. "
        "AZURE_CLIENT_ID says it, too.",
    ),
]


@app.command(epilog="Example: tether schema plan --app-user 6c1a0f0e-8f1e-4d60-9a53-3f0b35f0f001")
def plan(settings: SettingsFile = None, app_user: AppUser = None, as_json: AsJson = False) -> None:
    """Show what apply would do. Exit code 1 if something stands in the way."""
    run(_plan(Output(as_json=as_json), settings, app_user, drift_fails=False), as_json=as_json)


@app.command(epilog="Example: tether schema verify --json | jq '.steps[].name'")
def verify(
    settings: SettingsFile = None, app_user: AppUser = None, as_json: AsJson = False
) -> None:
    """Compare Dynamics with what this version needs. Exit code 1 if it differs."""
    run(_plan(Output(as_json=as_json), settings, app_user, drift_fails=True), as_json=as_json)


@app.command(epilog="Example: tether schema apply --yes --settings settings.json")
def apply(
    settings: SettingsFile = None,
    app_user: AppUser = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create or upgrade everything, after showing what is to be done. Can be repeated."""
    run(_apply(Output(as_json=as_json), settings, app_user, yes=yes), as_json=as_json)


@app.command(epilog="Example: tether schema export Tether_managed.zip --managed")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the package.")] = Path("Tether.zip"),
    managed: Annotated[bool, typer.Option("--managed", help="For other environments.")] = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Have Dynamics export the solution, and write its package."""
    run(_export(Output(as_json=as_json), settings, file, managed=managed), as_json=as_json)


async def _plan(
    output: Output, settings: Path | None, app_user: str | None, *, drift_fails: bool
) -> int:
    async with dataverse_client(settings) as client:
        with output.waiting("reading what is there"):
            found = await _planned(client, settings, app_user)
    _show(output, found)
    return FAILED if found.refused or (found.steps and drift_fails) else 0


async def _apply(output: Output, settings: Path | None, app_user: str | None, *, yes: bool) -> int:
    async with dataverse_client(settings) as client:
        with output.waiting("reading what is there"):
            found = await _planned(client, settings, app_user)
        if not output.as_json:
            _show(output, found)
        if found.refused or not found.steps:
            if output.as_json:
                _show(output, found)
            return FAILED if found.refused else 0
        if not agree("Do this?", yes=yes, as_json=output.as_json):
            return FAILED
        done: list[Step] = []
        with output.progress("applying", len(found.steps)) as advance:
            async for step in perform(client, found):
                done.append(step)
                advance()
    if output.as_json:
        output.document({"done": [_told(step) for step in done], "kept": found.kept})
    else:
        output.say(f"{len(done)} done.", colour="green")
    return 0


async def _export(output: Output, settings: Path | None, file: Path, *, managed: bool) -> int:
    if not file.resolve().parent.is_dir():
        raise Misconfigured(f"There is no folder {file.resolve().parent} to write {file.name} to.")
    async with dataverse_client(settings) as client:
        with output.waiting("exporting"):
            package = await export_solution(client, managed=managed)
    file.write_bytes(package)
    if output.as_json:
        output.document({"file": str(file), "bytes": len(package), "managed": managed})
    else:
        output.say(f"{file} ({len(package):,} bytes)")
    return 0


async def _planned(client: DataverseClient, settings: Path | None, app_user: str | None) -> Plan:
    user = app_user or find_settings(settings, os.environ).get("AZURE_CLIENT_ID") or None
    if user:
        try:
            user = str(UUID(user))
        except ValueError:
            raise Misconfigured(
                f"'{user}' is no application id: the portal shows it on the managed identity's"
                " page as Client ID."
            ) from None
    found = await read_environment(client, application_id=user)
    return plan_schema(found, application_id=user)


def _show(output: Output, plan: Plan) -> None:
    if output.as_json:
        output.document({"steps": [_told(step) for step in plan.steps], "kept": plan.kept})
        return
    if plan.steps:
        columns = ("do", "what", "name", "how")
        output.table(columns, [(one.verb, one.part, one.name, one.detail) for one in plan.steps])
    counts = {verb: sum(step.verb is verb for step in plan.steps) for verb in Verb}
    output.say(
        f"{counts[Verb.CREATE]} to create, {counts[Verb.CHANGE]} to change,"
        f" {counts[Verb.REFUSE]} refused, {plan.kept} as they should be."
    )


def _told(step: Step) -> dict[str, str]:
    return {"verb": step.verb, "part": step.part, "name": step.name, "detail": step.detail}
