"""The host: one app, its triggers, and the HTTP server before them."""

import asyncio
import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.clock import Clock
from sandbox.functionshost.admin import Admin, Fire
from sandbox.functionshost.azurebus import AzureSource
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.frontend import Frontend, Router
from sandbox.functionshost.functions import (
    Function,
    ServiceBusTrigger,
    TimerTrigger,
    read_function,
)
from sandbox.functionshost.hostjson import HostOptions, load_host_json
from sandbox.functionshost.keys import Keys
from sandbox.functionshost.listener import Listener, single_input
from sandbox.functionshost.messages import Message, batch_data
from sandbox.functionshost.settings import Settings, load_local_settings
from sandbox.functionshost.timers import Timer
from sandbox.functionshost.worker import Input, Worker, order_sys_path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arguments:
    """How to run the host; `grace` is how many seconds a stop waits for running functions."""

    app_directory: Path
    port: int
    keys: Keys
    keys_enforced: bool = True
    state: Path | None = None
    grace: float = 30.0


class FunctionsHost:
    """Runs the app of one directory; a process can hold only one, for the worker's sake."""

    def __init__(self, arguments: Arguments, clock: Clock) -> None:
        self._arguments = arguments
        self._clock = clock
        self._prepare_process()
        self._settings = Settings(os.environ)
        self._options: HostOptions = load_host_json(
            arguments.app_directory, self._settings.under("AzureFunctionsJobHost__")
        )
        self.failed = asyncio.Event()
        self.worker = Worker(timeout=self._options.function_timeout, on_timeout=self.failed.set)
        self._triggers: list[Listener | Timer] = []
        self._frontend: Frontend | None = None
        self.functions: Mapping[str, Function] = {}

    async def start(self) -> str:
        """Index the app, start its triggers, and return the base address of its routes.

        Raises:
            StartError: the app or its configuration is wrong.
        """
        indexed = await self.worker.index(self._arguments.app_directory)
        functions = [read_function(metadata, self._settings) for metadata in indexed]
        for function in functions:
            if self._settings.disabled(function.name):
                _log.info("the function '%s' is disabled", function.name)
        active = [f for f in functions if not self._settings.disabled(f.name)]
        self.functions = {function.name: function for function in active}
        fire = self._create_triggers(active)
        keys = self._arguments.keys
        prefix = self._options.route_prefix
        admin = Admin(self.functions, fire, keys, prefix)
        self._frontend = Frontend(
            Router(active, prefix),
            self.worker.invoke,
            keys if self._arguments.keys_enforced else None,
            {"admin": admin.answer},
        )
        url = await self._frontend.start(self._arguments.port)
        for trigger in self._triggers:
            trigger.start()
        return url

    async def stop(self) -> bool:
        """Take nothing new and let what runs finish; tell whether it did within the grace."""
        grace = self._arguments.grace
        if self._frontend:
            stopping = [self._frontend.stop(grace), *(t.stop(grace) for t in self._triggers)]
            await asyncio.gather(*stopping)
        return await self.worker.drain(0 if self.failed.is_set() else grace)

    def _prepare_process(self) -> None:
        load_local_settings(self._arguments.app_directory, os.environ)
        order_sys_path(self._arguments.app_directory)
        os.chdir(self._arguments.app_directory)

    def _create_triggers(self, functions: Sequence[Function]) -> Mapping[str, Fire]:
        """Create listeners and timers; return how to fire each function by hand."""
        fire: dict[str, Fire] = {}
        for function in functions:
            trigger = function.trigger
            if isinstance(trigger, ServiceBusTrigger):
                self._triggers.append(self._listener(function, trigger))
                fire[function.name] = self._message_by_hand(function, trigger)
            elif isinstance(trigger, TimerTrigger):
                timer = Timer(
                    function, trigger, self._clock, self.worker.invoke, self._arguments.state
                )
                self._triggers.append(timer)
                fire[function.name] = _run_by_hand(timer)
        return fire

    def _listener(self, function: Function, trigger: ServiceBusTrigger) -> Listener:
        options = self._options.service_bus
        try:
            source = AzureSource(trigger, options.prefetch_count)
        except ValueError as error:
            raise StartError(f"Function '{function.name}': bad connection: {error}.") from error
        return Listener(function, trigger, source, options, self.worker.invoke)

    def _message_by_hand(self, function: Function, trigger: ServiceBusTrigger) -> Fire:
        async def fire(text: str) -> None:
            message = Message(
                body=text.encode(),
                lock_token=str(uuid.UUID(int=0)),
                sequence_number=0,
                enqueued_at=datetime.now(UTC),
            )
            if trigger.many:
                given = Input(*batch_data([message], trigger.data_type))
            else:
                given = single_input(trigger, message)
            await self.worker.invoke(function, given)

        return fire


def _run_by_hand(timer: Timer) -> Fire:
    async def fire(_: str) -> None:
        await timer.run_now()

    return fire
