"""`tether doctor`: the command."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.doctor.examination import examine
from cli.doctor.findings import Finding, Outcome
from cli.environment import find_settings
from cli.output import COLOURS, Output
from cli.running import FAILED, AsJson, SettingsFile, run

app = typer.Typer()


@app.command(epilog="Example: tether doctor --json | jq '.[] | select(.outcome != \"ok\")'")
def doctor(
    settings: SettingsFile = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 for warnings, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try everything the app needs, and say for each how it stands and what to do.

    Nothing is changed: to try the webhooks it makes two short subscriptions and ends them. Run it
    in the app's environment to see what the app itself may do. Exit code 1 if something failed.
    """
    run(_examine(Output(as_json=as_json), settings, strict=strict), as_json=as_json)


async def _examine(output: Output, settings: Path | None, *, strict: bool) -> int:
    values, findings = find_settings(settings, os.environ), list[Finding]()
    with output.waiting("looking"):
        async for finding in examine(values, lambda: datetime.now(UTC)):
            findings.append(finding)
            if not output.as_json:
                _say(output, finding)
    if output.as_json:
        output.document(
            [
                {
                    "check": f.check,
                    "outcome": f.outcome,
                    "message": f.message,
                    "remedy": f.remedy,
                    "codes": list(f.codes),
                }
                for f in findings
            ]
        )
    bad = {Outcome.FAILED, Outcome.WARNING} if strict else {Outcome.FAILED}
    return FAILED if any(one.outcome in bad for one in findings) else 0


def _say(output: Output, finding: Finding) -> None:
    colour = COLOURS.get(finding.outcome, "")
    output.say(f"{finding.outcome:<8} {finding.check}: {finding.message}", colour=colour)
    if finding.remedy:
        output.say(f"         → {finding.remedy}")
