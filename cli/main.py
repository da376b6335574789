"""The command line: all commands put together, and what is said before any of them runs."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import enabling, examining, mailboxes, parked, schema, subscriptions
from cli.why import command as why

_SETTINGS = """Installs, looks at and mends Tether.

Settings are the app's own: those in the environment; or in a file named with --settings, which may
be what az functionapp config appsettings list wrote, a local.settings.json, or one JSON object; or,
where neither names a Dynamics, those of the sandbox that make up runs in this folder. Signs in as
the managed identity where there is one, else as you (az login)."""
_EPILOG = """Exit codes: 0 all is well; 1 it could not be done, or something was found; 2 it was
asked for wrongly or a setting is missing."""

app = typer.Typer(
    name="tether",
    help=_SETTINGS,
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(examining.app)
app.add_typer(why.app)
app.add_typer(schema.app)
app.add_typer(mailboxes.app)
app.add_typer(enabling.app)
app.add_typer(subscriptions.app)
app.add_typer(parked.app)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"tether {version('tether')}")
        raise typer.Exit


@app.callback()
def _tether(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command."""
    app()
