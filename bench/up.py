"""`make up`: the stack, left running for a person or an official client to use."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.stack import STACK_FILE, TetherStack
from sandbox.tenant import make_tenant

_TELLING = ("TELEMETRY", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRIC_EXPORT_INTERVAL")
_TOKEN_OUT_OF = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""


def main() -> int:
    """Run until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the tenant's state there")
    parser.add_argument("--mailboxes", type=int, default=5, help="how many people (default 5)")
    options = parser.parse_args()
    if options.mailboxes < 1:
        parser.error("--mailboxes must be at least 1")
    return asyncio.run(_serve(options.state, options.mailboxes))


async def _serve(state: Path | None, mailboxes: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    console = Console()
    settings = {name: os.environ[name] for name in _TELLING if os.environ.get(name)}
    show = _tell if "TELEMETRY" in settings else None
    stack = TetherStack(make_tenant(mailboxes), state=state, settings=settings, show=show)
    with console.status("starting the tenant and the function app"):
        await stack.start()
    stack.write_addresses()
    _show(console, stack)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop.wait()
    await stack.stop()
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _show(console: Console, stack: TetherStack) -> None:
    addresses = stack.addresses()
    table = Table("service", "address", title="Tether is up")
    for name in ("graph", "dataverse", "identity", "functions", "servicebus"):
        table.add_row(name, addresses[name])
    table.add_row("dataverse, https", stack.over_https()["dataverse"])
    console.print(table)
    people = ", ".join(mailbox["upn"] for mailbox in addresses["mailboxes"][:5])
    console.print(f"mailboxes: {people}{' …' if len(addresses['mailboxes']) > 5 else ''}")
    _show_signing_in(console, stack)
    console.print(f"all of it in {STACK_FILE.relative_to(STACK_FILE.parents[1])}; Ctrl-C stops")


def _show_signing_in(console: Console, stack: TetherStack) -> None:
    """Show how to call the API as a person; whole, so that it can be pasted."""
    person = stack.services.tenant.people[0]
    fields = " ".join(f"-d {k}={v}" for k, v in stack.signing_in.form(person).items())
    login = f"{stack.services.identity.url}/{stack.services.tenant.tenant_id}/oauth2/v2.0/token"
    fetched = f"$(curl -s {fields} {login} | {_TOKEN_OUT_OF})"
    lines = (
        f"a token of {person.upn} (administrator: {stack.signing_in.administrator.upn}):",
        f"  TOKEN={fetched}",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {stack.functions_url}/api/mailbox',
    )
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
