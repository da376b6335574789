"""Receivers over the azure-servicebus client."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusReceivedMessage
from azure.servicebus.aio import AutoLockRenewer, ServiceBusClient, ServiceBusReceiver
from azure.servicebus.amqp import AmqpMessageBodyType
from azure.servicebus.exceptions import OperationTimeoutError

from sandbox.functionshost.functions import ServiceBusTrigger
from sandbox.functionshost.messages import Message
from sandbox.functionshost.receiving import BrokerError
from sandbox.functionshost.settings import Connection

_log = logging.getLogger(__name__)

# Once a message is there the client waits 200 ms for more of them, in reads of 200 ms. A batch asks
# for one message first and then, with these short waits, for what else is there already.
_FURTHER_WAIT = 0.03
_SOCKET_TIMEOUT = 0.01
_BACKOFF = 0.1


class AzureSource:
    """One queue or subscription of a namespace; the clients live as long as the source."""

    def __init__(self, trigger: ServiceBusTrigger, prefetch: int) -> None:
        self._trigger = trigger
        self._prefetch = prefetch
        self._credential = _credential(trigger.connection)
        # Without retries a session that is not there is told at once (service-bus.md 2.4); the
        # listener tries again anyway, so that short ones suffice.
        self._client = _client(trigger.connection, self._credential, 0 if trigger.sessions else 2)
        self._renewer = AutoLockRenewer()

    async def open(self) -> "AzureReceiver":
        """Return a receiver for the entity."""
        return await self._opened(self._receiver(None))

    async def accept_session(self, wait: float) -> "AzureReceiver | None":
        """Return a receiver for the next session with messages, None after `wait` seconds."""
        try:
            return await self._opened(self._receiver(wait))
        except BrokerError as error:
            if isinstance(error.__cause__, OperationTimeoutError):
                return None
            raise

    async def close(self) -> None:
        """Close the connections."""
        with _broker_errors():
            await self._renewer.close()
            await self._client.close()
            if self._credential:
                await self._credential.close()

    def _receiver(self, session_wait: float | None) -> ServiceBusReceiver:
        trigger = self._trigger
        session = NEXT_AVAILABLE_SESSION if session_wait is not None else None
        if trigger.subscription is not None:
            return self._client.get_subscription_receiver(
                trigger.entity,
                trigger.subscription,
                session_id=session,
                max_wait_time=session_wait,
                prefetch_count=self._prefetch,
                socket_timeout=_SOCKET_TIMEOUT,
            )
        return self._client.get_queue_receiver(
            trigger.entity,
            session_id=session,
            max_wait_time=session_wait,
            prefetch_count=self._prefetch,
            socket_timeout=_SOCKET_TIMEOUT,
        )

    async def _opened(self, receiver: ServiceBusReceiver) -> "AzureReceiver":
        try:
            with _broker_errors():
                await receiver.__aenter__()
        except BaseException:
            with suppress(BrokerError), _broker_errors():
                await receiver.close()
            raise
        return AzureReceiver(receiver, self._renewer)


class AzureReceiver:
    """A receiver of the client, or of one session."""

    def __init__(self, receiver: ServiceBusReceiver, renewer: AutoLockRenewer) -> None:
        self._receiver = receiver
        self._renewer = renewer
        self._session_renewed = False

    async def receive(self, limit: int, wait: float) -> Sequence[Message]:
        """Return what is there as soon as something is, nothing after `wait` seconds.

        When cancelled with messages in hand it returns these, so that they are settled.
        """
        with _broker_errors():
            received = await self._receiver.receive_messages(1, wait)
        if received and limit > 1:
            try:
                received += await self._receiver.receive_messages(limit - 1, _FURTHER_WAIT)
            except asyncio.CancelledError:
                _log.debug("stopped while receiving; the messages in hand are still dispatched")
            except Exception as error:  # noqa: BLE001  # what is in hand must not be lost for it
                _log.info("the rest of a batch could not be received: %r", error)
        return [message for native in received if (message := await self._readable(native))]

    async def complete(self, message: Message) -> None:
        """Remove the message."""
        with _broker_errors():
            await self._receiver.complete_message(_native(message))

    async def abandon(self, message: Message) -> None:
        """Give the message back; its delivery count grows."""
        with _broker_errors():
            await self._receiver.abandon_message(_native(message))

    def keep_locked(self, message: Message, duration: timedelta) -> None:
        """Renew the lock of the message or its session until it is settled, at most so long."""
        session = getattr(self._receiver, "session", None)
        if duration and not self._session_renewed:
            self._renewer.register(
                self._receiver,
                session or _native(message),
                max_lock_renewal_duration=duration.total_seconds(),
            )
            self._session_renewed = session is not None

    async def close(self) -> None:
        """Give back what was taken ahead, and with it the session."""
        with _broker_errors():
            await self._receiver.close()

    async def _readable(self, native: ServiceBusReceivedMessage) -> Message | None:
        """Return the message; one without a binary body cannot be bound and is abandoned."""
        if native.body_type is AmqpMessageBodyType.DATA:
            return _message(native)
        _log.error("message %s has no binary body", native.sequence_number)
        with _broker_errors():
            await self._receiver.abandon_message(native)
        return None


@contextmanager
def _broker_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Besides its own errors the client lets those of its AMQP library and of sockets through.
        raise BrokerError(f"{type(error).__name__}: {error}") from error


def _client(
    connection: Connection, credential: AsyncTokenCredential | None, retries: int
) -> ServiceBusClient:
    if connection.connection_string is not None:
        return ServiceBusClient.from_connection_string(
            connection.connection_string, retry_total=retries, retry_backoff_factor=_BACKOFF
        )
    if connection.namespace is None or credential is None:
        raise ValueError("a connection is a connection string, or a namespace and an identity")
    return ServiceBusClient(
        connection.namespace, credential, retry_total=retries, retry_backoff_factor=_BACKOFF
    )


def _credential(connection: Connection) -> AsyncTokenCredential | None:
    if connection.namespace is None:
        return None
    # Takes 200 ms to import, which a start with a connection string can do without.
    from azure.identity.aio import (  # noqa: PLC0415
        DefaultAzureCredential,
        ManagedIdentityCredential,
    )

    if (connection.credential or "").lower() == "managedidentity":
        if connection.client_id:
            return ManagedIdentityCredential(client_id=connection.client_id)
        return ManagedIdentityCredential()
    return DefaultAzureCredential()


def _native(message: Message) -> ServiceBusReceivedMessage:
    if not isinstance(message.native, ServiceBusReceivedMessage):
        raise TypeError("not a message of this receiver")
    return message.native


def _message(native: ServiceBusReceivedMessage) -> Message:
    if native.sequence_number is None or native.enqueued_time_utc is None:
        raise BrokerError("the broker sent a message without sequence number or enqueue time")
    body = native.body
    return Message(
        body=body if isinstance(body, bytes) else b"".join(body),
        lock_token=str(native.lock_token),
        sequence_number=native.sequence_number,
        enqueued_at=native.enqueued_time_utc,
        expires_at=native.expires_at_utc,
        delivery_count=native.delivery_count or 0,
        properties=_properties(native),
        message_id=native.message_id,
        session_id=native.session_id,
        correlation_id=native.correlation_id,
        subject=native.subject,
        content_type=native.content_type,
        reply_to=native.reply_to,
        reply_to_session_id=native.reply_to_session_id,
        to=native.to,
        partition_key=native.partition_key,
        dead_letter_source=native.dead_letter_source,
        native=native,
    )


def _properties(native: ServiceBusReceivedMessage) -> dict[str, object]:
    """Return the application properties; the client gives strings as bytes (4.4)."""
    return {
        name.decode() if isinstance(name, bytes) else name: _text_if_text(value)
        for name, value in (native.application_properties or {}).items()
    }


def _text_if_text(value: object) -> object:
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            return value.decode()
    return value
