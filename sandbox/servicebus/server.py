"""The service: a listener, and what a test or a person may see and do from outside."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.servicebus.broker.broker import Broker
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.faults import FaultPlan
from sandbox.servicebus.store.base import NoStore
from sandbox.servicebus.store.sqlite import SqliteStore
from sandbox.servicebus.tokens import Gate
from sandbox.servicebus.wire.connection import Connection
from sandbox.servicebus.wire.namespace import Namespace

_KEY_NAME = "RootManageSharedAccessKey"
_KEY = "c2FuZGJveC1rZXktbm90LWEtc2VjcmV0"
"""Known to everybody: it opens nothing but this process on this machine."""


class ServiceBus:
    """A Service Bus namespace on this machine, with these queues and subscriptions.

    With `state` (a file) messages, session states and duplicate windows survive the process; locks
    do not. `tokens` judges JWTs and raises PermissionError; without it only the connection string's
    key opens the door.
    """

    def __init__(
        self,
        entities: Mapping[str, QueueSettings],
        *,
        clock: Clock,
        state: Path | None = None,
        tokens: Callable[[str], None] | None = None,
    ) -> None:
        self.faults = FaultPlan()
        self.port = 0
        self._host = ""
        self._broker = Broker(
            entities, clock=clock, store=SqliteStore(state) if state else NoStore()
        )
        gate = Gate(_KEY_NAME, _KEY, tokens)
        self._namespace = Namespace(self._broker, gate, self.faults, uuid4().hex)
        self._connections: set[Connection] = set()
        self._gone = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; with port 0 on a free one, which `port` then tells."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=1000)
        self._host, self.port = self._server.sockets[0].getsockname()[:2]
        self._broker.turn()

    async def stop(self) -> None:
        """Close every connection and let the file go."""
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.close("amqp:connection:forced", "The service is shutting down.")
        self._broker.turn()
        while self._connections:
            self._gone.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), timeout=1)
                continue
            self.drop_connections()
        if self._server:
            await self._server.wait_closed()
        self._broker.close()

    @property
    def connection_string(self) -> str:
        """What clients connect with; the flag makes them speak plain TCP to this very port."""
        return (
            f"Endpoint=sb://{self._host}:{self.port};SharedAccessKeyName={_KEY_NAME};"
            f"SharedAccessKey={_KEY};UseDevelopmentEmulator=true;"
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Return per queue: active (and free), locked, scheduled, deferred, dead_letter."""
        self._broker.turn()
        return {
            queue.name: queue.counts()
            | {"dead_letter": queue.dead_letter.depth if queue.dead_letter else 0}
            for queue in self._broker.queues
        }

    def operations(self) -> dict[str, int]:
        """Return what happened since the start or the last reset, by name.

        `sends` are transfers, `messages_sent` the messages in them; `settles` are all settlements,
        each also under `completed`, `abandoned`, `released`, `deferred` or `dead_lettered`.
        """
        names = ("sends", "messages_sent", "messages_delivered", "settles", "duplicates_dropped")
        return dict.fromkeys(names, 0) | dict(self._broker.operations)

    def reset_operations(self) -> None:
        """Count from zero."""
        self._broker.operations.clear()

    def expire_locks(self, queue: str) -> None:
        """End every lock of a queue now: each was one failed delivery."""
        self._broker.queue(queue).expire_locks()
        self._broker.turn()

    def purge(self, queue: str) -> None:
        """Empty a queue and its dead letters; forget the ids and session states it knows."""
        found = self._broker.queue(queue)
        found.purge()
        if found.dead_letter:
            found.dead_letter.purge()
        self._broker.turn()

    def drop_connections(self) -> None:
        """Cut every connection without a word, as a failing network does."""
        for connection in list(self._connections):
            connection.drop()

    def _accept(self) -> Connection:
        connection = Connection(self._namespace, self._lose)
        self._connections.add(connection)
        return connection

    def _lose(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._gone.set()
