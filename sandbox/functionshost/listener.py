"""Service Bus triggers: receive, invoke, settle, as the real extension does (functions.md 4.1)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress

from sandbox.functionshost.functions import Function, ServiceBusTrigger
from sandbox.functionshost.hostjson import ServiceBusOptions
from sandbox.functionshost.messages import Message, batch_data, single_data
from sandbox.functionshost.protos import RpcException
from sandbox.functionshost.receiving import BrokerError, Receiver, Source
from sandbox.functionshost.tracing import trace_context
from sandbox.functionshost.worker import Input, Outcome

_log = logging.getLogger(__name__)
_POLL = 60.0

type Invoke = Callable[[Function, Input], Awaitable[Outcome]]


class Listener:
    """Feeds one function with the messages of one entity until it is stopped.

    `pause` is how many seconds it waits after the broker failed before it tries again.
    """

    def __init__(
        self,
        function: Function,
        trigger: ServiceBusTrigger,
        source: Source,
        options: ServiceBusOptions,
        invoke: Invoke,
        *,
        pause: float = 0.5,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._source = source
        self._options = options
        self._invoke = invoke
        self._pause = pause
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to receive."""
        match self._trigger.many, self._trigger.sessions:
            case True, False:
                loops = [self._queue_loop(self._receive_batches)]
            case False, False:
                loops = [self._queue_loop(self._receive_singles)]
            case True, True:
                loops = [self._session_loop(self._session_batches)]
            case _:
                loops = [
                    self._session_loop(self._session_singles)
                    for _ in range(self._options.max_concurrent_sessions)
                ]
        self._loops = [asyncio.create_task(loop, name=self._function.name) for loop in loops]

    async def stop(self, seconds: float) -> bool:
        """Receive no more, let the running invocations settle their messages, close.

        Returns whether that was done within the time; what is left keeps running.
        """
        self._stopping.set()
        if self._loops:
            _, running = await asyncio.wait(self._loops, timeout=seconds)
            if running:
                return False
        with suppress(BrokerError):
            await self._source.close()
        return True

    async def _queue_loop(self, receive: Callable[[Receiver], Awaitable[None]]) -> None:
        await self._repeat(self._source.open, receive)

    async def _session_loop(self, receive: Callable[[Receiver], Awaitable[None]]) -> None:
        async def accept() -> Receiver | None:
            return await self._source.accept_session(_POLL)

        await self._repeat(accept, receive)

    async def _repeat(
        self,
        open_receiver: Callable[[], Coroutine[None, None, Receiver | None]],
        receive: Callable[[Receiver], Awaitable[None]],
    ) -> None:
        """Open a receiver, use it up, close it, again; a failure of the broker is only logged."""
        while not self._stopping.is_set():
            receiver: Receiver | None = None
            try:
                receiver = await self._unless_stopped(open_receiver())
                if receiver:
                    await receive(receiver)
            except BrokerError as error:
                _log.warning("'%s' cannot receive, trying again: %s", self._function.name, error)
                await self._unless_stopped(asyncio.sleep(self._pause))
            finally:
                if receiver:
                    with suppress(BrokerError):
                        await receiver.close()

    async def _receive_batches(self, receiver: Receiver) -> None:
        while batch := await self._next_batch(receiver, _POLL, forever=True):
            await self._dispatch_batch(receiver, batch)

    async def _session_batches(self, receiver: Receiver) -> None:
        idle = self._options.session_idle_timeout.total_seconds()
        while batch := await self._next_batch(receiver, idle, forever=False):
            await self._dispatch_batch(receiver, batch)

    async def _next_batch(
        self, receiver: Receiver, wait: float, *, forever: bool
    ) -> Sequence[Message]:
        """Return messages, or nothing when stopping, or (unless `forever`) after `wait` seconds."""
        limit = self._options.max_message_batch_size
        while not self._stopping.is_set():
            batch = await self._unless_stopped(receiver.receive(limit, wait))
            if batch and len(batch) < self._options.min_message_batch_size:
                batch = await self._filled(receiver, list(batch))
            if batch or not forever:
                return batch or ()
        return ()

    async def _filled(self, receiver: Receiver, batch: list[Message]) -> Sequence[Message]:
        """Hold a batch back until it is big enough or `maxBatchWaitTime` has passed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.max_batch_wait_time.total_seconds()
        while len(batch) < self._options.min_message_batch_size:
            left = deadline - loop.time()
            if left <= 0 or self._stopping.is_set():
                break
            room = self._options.max_message_batch_size - len(batch)
            batch += await self._unless_stopped(receiver.receive(room, left)) or ()
        return batch

    async def _receive_singles(self, receiver: Receiver) -> None:
        """Run up to `maxConcurrentCalls` messages at a time, each on its own."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping.is_set():
                if len(running) >= self._options.max_concurrent_calls:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    continue
                room = self._options.max_concurrent_calls - len(running)
                for message in await self._unless_stopped(receiver.receive(room, _POLL)) or ():
                    task = asyncio.create_task(self._dispatch_single(receiver, message))
                    running.add(task)
                    task.add_done_callback(running.discard)
        finally:
            if running:
                await asyncio.wait(running)

    async def _session_singles(self, receiver: Receiver) -> None:
        idle = self._options.session_idle_timeout.total_seconds()
        while not self._stopping.is_set():
            received = await self._unless_stopped(receiver.receive(1, idle))
            if not received:
                return
            for message in received:
                await self._dispatch_single(receiver, message)

    async def _dispatch_batch(self, receiver: Receiver, batch: Sequence[Message]) -> None:
        """One failure abandons the whole batch; there is no renewal of locks (functions.md 4.1)."""
        try:
            value, metadata = batch_data(batch, self._trigger.data_type)
        except ValueError as error:
            outcome = self._unreadable(error)
        else:
            outcome = await self._invoke(self._function, Input(value, metadata))
        await self._settle(receiver, batch, outcome)

    async def _dispatch_single(self, receiver: Receiver, message: Message) -> None:
        receiver.keep_locked(message, self._options.max_auto_lock_renewal_duration)
        outcome = await self._invoke(self._function, single_input(self._trigger, message))
        await self._settle(receiver, [message], outcome)

    async def _settle(
        self, receiver: Receiver, messages: Sequence[Message], outcome: Outcome
    ) -> None:
        """Complete after success, unless the function settles itself; abandon after failure."""
        auto = self._trigger.auto_complete
        if auto is None:
            auto = self._options.auto_complete_messages
        if outcome.succeeded and not auto:
            return
        settle = receiver.complete if outcome.succeeded else receiver.abandon
        results = await asyncio.gather(*map(settle, messages), return_exceptions=True)
        for message, result in zip(messages, results, strict=True):
            if isinstance(result, BrokerError):
                _log.warning("message %s is not settled: %s", message.sequence_number, result)
            elif isinstance(result, BaseException):
                raise result

    def _unreadable(self, error: ValueError) -> Outcome:
        _log.error("'%s': a message is not JSON: %s", self._function.name, error)
        return Outcome(failure=RpcException(message=f"{type(error).__name__}: {error}"))

    async def _unless_stopped[T](self, work: Coroutine[None, None, T]) -> T | None:
        """Return what the work returns, or None as soon as the listener is to stop."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, BrokerError):
                    await task
        return None if task.cancelled() else task.result()


def single_input(trigger: ServiceBusTrigger, message: Message) -> Input:
    """Return what a function of `cardinality=one` is given for the message."""
    value, metadata = single_data(message, trigger.data_type)
    parent = message.properties.get("Diagnostic-Id")
    return Input(value, metadata, trace=trace_context(parent if isinstance(parent, str) else None))
