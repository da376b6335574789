"""Log lines on stderr: time, level, logger, function and invocation, one line each."""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from azure_functions_runtime import invocation_id_cv

from sandbox.functionshost.worker import Running, current

# Noisy below this (functions.md 8.5); "azure" covers the worker's own system log, too.
_QUIET = ("azure", "azure_functions_runtime", "aiohttp.access", "asyncio")


class LineFormatter(logging.Formatter):
    """Writes a record on one line, whatever its message and traceback hold."""

    def __init__(self, running: Callable[[str], Running | None]) -> None:
        super().__init__()
        self._running = running

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        where = self._where()
        line = f"{moment} {record.levelname} {record.name} {where} {text.rstrip()}"
        return line.replace("\r", "\\r").replace("\n", "\\n")

    def _where(self) -> str:
        # Synchronous functions run in threads, where only the worker's own variable is set.
        running = current.get() or self._running(invocation_id_cv.get() or "")
        return f"[{running.function} {running.invocation_id}]" if running else "[host]"


def configure(level: str, running: Callable[[str], Running | None]) -> None:
    """Send everything at `level` or above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(running))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
