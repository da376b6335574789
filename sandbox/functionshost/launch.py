"""Starts the host as a child process, for tests and for the sandbox as a whole."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from sandbox.functionshost.errors import StartError

_PROJECT = Path(__file__).resolve().parents[2]
# What a process needs from the machine; the app sees no other variables of its surroundings.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE")


class HostProcess:
    """A host that is ready: `url`, `functions`, `admin_key`, `function_key`, and its log so far."""

    def __init__(
        self, process: asyncio.subprocess.Process, show: Callable[[str], object] | None = None
    ) -> None:
        self._process = process
        self._show = show
        self.log: list[str] = []
        self._grown = asyncio.Condition()
        self._reading = asyncio.create_task(self._read_log())
        self.url = ""
        self.functions: Sequence[str] = ()
        self.admin_key = ""
        self.function_key = ""

    @classmethod
    async def start(
        cls,
        app_directory: Path,
        settings: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        seconds: float = 60,
        show: Callable[[str], object] | None = None,
    ) -> Self:
        """Start a host for the app with these application settings and wait until it is ready.

        `show` is given each line of the log as it comes.

        Raises:
            StartError: it refused to start; the text is what it wrote to stderr.
        """
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *_command(app_directory, arguments),
            cwd=_PROJECT,
            env={**inherited, **(settings or {})},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        host = cls(process, show)
        try:
            async with asyncio.timeout(seconds):
                await host._become_ready()
        except BaseException:
            await host.kill()
            raise
        return host

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def logged(self, pattern: str, *, count: int = 1, seconds: float = 20) -> list[str]:
        """Wait until so many log lines match the regular expression and return these.

        Raises:
            TimeoutError: they did not appear in time.
        """
        found: list[str] = []

        def enough() -> bool:
            found[:] = [line for line in self.log if re.search(pattern, line)]
            return len(found) >= count

        async with self._grown, asyncio.timeout(seconds):
            await self._grown.wait_for(enough)
        return found

    async def stop(self) -> int:
        """Ask the host to finish what runs and return its exit status."""
        if self._process.returncode is None:
            self._process.terminate()
        return await self.wait()

    async def kill(self) -> None:
        """End the process as a crash would."""
        if self._process.returncode is None:
            self._process.kill()
        await self.wait()

    async def hang_up(self) -> int:
        """Close its standard input, as the death of its parent does; return the exit status."""
        if self._process.stdin:
            self._process.stdin.close()
        return await self.wait()

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit status."""
        status = await self._process.wait()
        await self._reading
        if self._process.stdin:
            self._process.stdin.close()
        return status

    async def _become_ready(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("the process was started without a pipe")
        line = await self._process.stdout.readline()
        if not line:
            await self.wait()
            raise StartError("\n".join(self.log))
        ready = json.loads(line)
        self.url = ready["url"]
        self.functions = ready["functions"]
        self.admin_key = ready["admin_key"]
        self.function_key = ready["function_key"]

    async def _read_log(self) -> None:
        if self._process.stderr is None:
            raise RuntimeError("the process was started without a pipe")
        while line := await self._process.stderr.readline():
            async with self._grown:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                if self._show:
                    self._show(self.log[-1])
                self._grown.notify_all()


def _command(app_directory: Path, arguments: Sequence[str]) -> list[str]:
    app = str(app_directory.resolve())
    return [sys.executable, "-m", "sandbox.functionshost", app, "--exit-with-parent", *arguments]
