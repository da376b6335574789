"""Run an Azure Functions app: `python -m sandbox.functionshost APP_DIR`.

Prints one line of JSON to stdout when ready: url, functions, admin_key, function_key. Everything
else, the app's own prints included, goes to stderr. Exits 1 when the app cannot be started, 0 after
SIGTERM or SIGINT once what was running has finished.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sandbox.clock import Clock
from sandbox.functionshost import logs
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.host import Arguments, FunctionsHost
from sandbox.functionshost.keys import Keys


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.functionshost")
    parser.add_argument("app_directory", type=Path, metavar="APP_DIR")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--admin-key", help="the master key; random when not given")
    parser.add_argument("--function-key", help="the host key; random when not given")
    parser.add_argument("--no-keys", action="store_true", help="open all functions, not /admin")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where timers keep their status")
    parser.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")
    )
    parser.add_argument("--grace", type=float, default=30.0, help="seconds a stop waits")
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="stop at the end of standard input"
    )
    return parser


def main() -> int:
    """Run until a signal comes and return the exit status."""
    options = _parser().parse_args()
    app_directory: Path = options.app_directory
    arguments = Arguments(
        app_directory=app_directory.resolve(),
        port=options.port,
        keys=Keys(
            master=options.admin_key or secrets.token_urlsafe(24),
            host=options.function_key or secrets.token_urlsafe(24),
        ),
        keys_enforced=not options.no_keys,
        state=options.state.resolve() if options.state else None,
        grace=options.grace,
    )
    if not arguments.app_directory.is_dir():
        sys.stderr.write(f"{arguments.app_directory} is not a directory.\n")
        return 1
    return asyncio.run(
        _run(arguments, options.log_level, exit_with_parent=options.exit_with_parent)
    )


async def _run(arguments: Arguments, log_level: str, *, exit_with_parent: bool) -> int:
    stdout, sys.stdout = sys.stdout, sys.stderr
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if exit_with_parent:
        _at_end_of_input(lambda: loop.call_soon_threadsafe(stop.set))
    try:
        host = FunctionsHost(arguments, Clock())
        logs.configure(log_level, host.worker.running)
        url = await host.start()
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return _exit(1)
    ready = {
        "url": url,
        "functions": list(host.functions),
        "admin_key": arguments.keys.master,
        "function_key": arguments.keys.host,
    }
    stdout.write(json.dumps(ready) + "\n")
    stdout.flush()
    waiting = {asyncio.create_task(stop.wait()), asyncio.create_task(host.failed.wait())}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    ended = await host.stop()
    if not ended:
        sys.stderr.write("Functions are still running after the grace period; leaving them.\n")
    return _exit(1 if host.failed.is_set() else 0)


def _exit(status: int) -> int:
    """End the process at once: nothing is cancelled, no function's thread is waited for."""
    sys.stderr.flush()
    os._exit(status)


def _at_end_of_input(call: Callable[[], object]) -> None:
    def wait() -> None:
        while os.read(0, 4096):
            pass
        call()

    threading.Thread(target=wait, daemon=True, name="parent").start()


if __name__ == "__main__":
    sys.exit(main())
