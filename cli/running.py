"""Runs a command's work, and ends it with one sentence and an exit code when it cannot be done."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import typer
from azure.core.exceptions import AzureError

from shared.errors import Misconfigured, TetherError

FAILED = 1
USAGE = 2

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="JSON file with the app settings, instead of the environment.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Say it as JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def run(work: Coroutine[None, None, int | None], *, as_json: bool) -> None:
    """Do a command's work; what it returns is the exit code.

    Raises:
        Exit: with that code; 1 when it could not be done, 2 when it was asked for wrongly.
    """
    # azure-identity and azure-servicebus log what is raised anyway, at length.
    logging.getLogger("azure").disabled = True
    for name in ("azure.identity", "azure.identity.aio", "azure.servicebus"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        code = asyncio.run(work)
    except Misconfigured as problem:
        code = fail(str(problem), USAGE, as_json=as_json)
    except (TetherError, AzureError) as problem:
        code = fail(_sentence(problem), FAILED, as_json=as_json)
    if code:
        raise typer.Exit(code)


def fail(problem: str, code: int, *, as_json: bool) -> int:
    """Say what is wrong, on standard error, and return the exit code."""
    typer.echo(json.dumps({"error": problem}) if as_json else f"tether: {problem}", err=True)
    return code


def _sentence(problem: Exception) -> str:
    first = str(problem).strip().partition("\n")[0].strip()
    if "DefaultAzureCredential failed" in first:
        return "There is nobody to sign in as: run az login first, or run this in the app itself."
    return first or type(problem).__name__
