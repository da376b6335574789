"""The whole stack as `make up` runs it: killed and set going again, stopped, and looked up."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from bench.stack import PROJECT, STACK_FILE
from tests.system.agreement import assert_agreement
from tests.system.company import TRACKED, Company
from tests.system.mails import mail

_START_SECONDS = 60
_STOP_SECONDS = 60


class Stack:
    """`python -m bench.up` in a process group of its own; `addresses` is its `stack.json`."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: dict[str, Any]) -> None:
        self._process = process
        self.addresses = addresses

    async def kill(self) -> None:
        """End every process of the stack at once, as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.communicate()

    async def terminate(self) -> int | None:
        """Ask the stack to stop; return its exit status."""
        self._process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            await self._process.communicate()
        return self._process.returncode


@asynccontextmanager
async def stack_in(state: Path) -> AsyncIterator[Stack]:
    """Run a stack on the state in a directory until it is ready."""
    command = [sys.executable, "-m", "bench.up", "--state", str(state), "--mailboxes", "3"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=PROJECT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    stack = Stack(process, {})
    try:
        assert process.stdout
        async with asyncio.timeout(_START_SECONDS):
            while line := await process.stdout.readline():
                if line == b"ready\n":
                    break
        assert line, "the stack ended before it was ready"
        stack.addresses = json.loads(STACK_FILE.read_text())
        yield stack
    finally:
        await stack.kill()


async def deliver_until_cut_off(company: Company, accepted: dict[str, str]) -> None:
    """Deliver mail after mail; note the Message-ID and the mailbox of each that was accepted."""
    people = list(company.people)
    with suppress(aiohttp.ClientError):
        while True:
            person = people[len(accepted) % len(people)]
            raw = mail(f"Mail {len(accepted)}", to=f"{person}@contoso.example")
            accepted[(await company.deliver(person, raw, categories=TRACKED))["id"]] = person


async def test_what_was_accepted_is_tracked_once_however_often_the_power_fails(
    tmp_path: Path,
) -> None:
    accepted: dict[str, str] = {}
    for moment in (3, 40, 150):  # mails accepted in the run when the power fails
        already = len(accepted)
        async with stack_in(tmp_path) as stack, Company(stack.addresses) as company:
            load = asyncio.create_task(deliver_until_cut_off(company, accepted))
            async with asyncio.timeout(60):
                while len(accepted) < already + moment:
                    await asyncio.sleep(0.001)
            await stack.kill()
            await load
    async with stack_in(tmp_path) as stack, Company(stack.addresses) as company:
        await company.quiet(seconds=60)
        assert await assert_agreement(company) >= len(accepted)
        tied = {row["tether_itemid"]: row for row in await company.rows("tether_links")}
        assert [tied[item]["tether_state"] for item in accepted] == [1] * len(accepted)
        assert (await company.queue("parked"))["active"] == 0


async def test_stack_json_says_what_a_client_needs_and_sigterm_ends_the_stack(
    tmp_path: Path,
) -> None:
    async with stack_in(tmp_path) as stack:
        said = stack.addresses
        assert said.keys() == {
            "graph", "dataverse", "identity", "functions", "servicebus",
            "tenant_id", "mailboxes", "env",
        }  # fmt: skip
        assert said["mailboxes"][0]["upn"] == "ada@contoso.example"
        assert all(box.keys() == {"id", "upn", "systemuserid"} for box in said["mailboxes"])
        assert said["env"].keys() == {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}
        assert said["servicebus"].startswith("Endpoint=sb://127.0.0.1:")
        async with Company(said) as company:
            await company.deliver("ada", mail(message_id="<once@a.example>"), categories=TRACKED)
            assert await company.activity("<once@a.example>")
        assert await stack.terminate() == 0


async def test_no_mailboxes_are_refused_with_a_sentence(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.up", "--state", str(tmp_path), "--mailboxes", "0",
        cwd=PROJECT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"--mailboxes must be at least 1" in told
