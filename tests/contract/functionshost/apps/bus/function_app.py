"""Service Bus functions; each logs a word and JSON of what it was given."""

# ruff: noqa: ARG001, UP006, UP035  # what the worker demands of signatures

import asyncio
import json
import logging
from typing import List

import azure.functions as func

log = logging.getLogger("app")
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

BINARY, STRING = func.DataType.BINARY, func.DataType.STRING
MANY = func.Cardinality.MANY
_release = asyncio.Event()


def _seen(message: func.ServiceBusMessage) -> dict[str, object]:
    enqueued, expires = message.enqueued_time_utc, message.expires_at_utc
    return {
        "body": message.get_body().decode("latin-1"),
        "message_id": message.message_id,
        "correlation_id": message.correlation_id,
        "subject": message.subject,
        "session_id": message.session_id,
        "delivery_count": message.delivery_count,
        "sequence_number": message.sequence_number,
        "lock_token": message.lock_token,
        "properties": message.application_properties,
        "enqueued": enqueued and enqueued.isoformat(),
        "enqueued_zone": str(enqueued and enqueued.tzinfo),
        "expires": expires and expires.isoformat(),
    }


async def _act(word: str, *messages: func.ServiceBusMessage) -> None:
    log.info("%s %s", word, json.dumps([_seen(message) for message in messages]))
    bodies = {message.get_body() for message in messages}
    if b"hold" in bodies:
        await _release.wait()
    if b"slow" in bodies:
        await asyncio.sleep(1)
        log.info("%s done", word)
    if b"fail" in bodies:
        raise ValueError("no")


@app.route("release")
async def release(req: func.HttpRequest) -> str:
    """Let those who hold go on."""
    _release.set()
    return "ok"


@app.service_bus_queue_trigger(
    "msgs", connection="Bus", queue_name="%BATCH%", data_type=BINARY, cardinality=MANY
)
async def batch(msgs: List[func.ServiceBusMessage]) -> None:
    """Take bytes."""
    await _act("BATCH", *msgs)


@app.service_bus_queue_trigger(
    "msgs", connection="Bus", queue_name="texts", data_type=STRING, cardinality=MANY
)
async def texts(msgs: List[func.ServiceBusMessage]) -> None:
    """Take strings."""
    await _act("TEXTS", *msgs)


@app.service_bus_queue_trigger("msgs", connection="Bus", queue_name="documents", cardinality=MANY)
async def documents(msgs: List[func.ServiceBusMessage]) -> None:
    """Declare no type."""
    await _act("DOCUMENTS", *msgs)


@app.service_bus_queue_trigger("msg", connection="Bus", queue_name="single", data_type=BINARY)
async def single(msg: func.ServiceBusMessage) -> None:
    """Take one at a time."""
    await _act("SINGLE", msg)


@app.service_bus_queue_trigger("msg", connection="Bus", queue_name="untyped")
def untyped(msg: func.ServiceBusMessage) -> None:
    """Take one as text, in a thread."""
    log.info("UNTYPED %s", json.dumps([_seen(msg)]))


@app.service_bus_queue_trigger(
    "msgs",
    connection="Bus",
    queue_name="manual",
    data_type=BINARY,
    cardinality=MANY,
    auto_complete_messages=False,
)
async def manual(msgs: List[func.ServiceBusMessage]) -> None:
    """Leave settling to nobody."""
    await _act("MANUAL", *msgs)


@app.service_bus_queue_trigger(
    "msg", connection="Bus", queue_name="sessions", data_type=BINARY, is_sessions_enabled=True
)
async def session(msg: func.ServiceBusMessage) -> None:
    """Take sessions side by side."""
    await _act("SESSION", msg)


@app.service_bus_queue_trigger(
    "msgs",
    connection="Bus",
    queue_name="sessionbatches",
    data_type=BINARY,
    cardinality=MANY,
    is_sessions_enabled=True,
)
async def session_batch(msgs: List[func.ServiceBusMessage]) -> None:
    """Take one session after the other."""
    await _act("SESSIONBATCH", *msgs)


@app.service_bus_queue_trigger(
    "msgs", connection="Bus", queue_name="returns", data_type=BINARY, cardinality=MANY
)
async def returns(msgs: List[func.ServiceBusMessage]) -> int:
    """Return a value, which is a fault after the fact."""
    await _act("RETURNS", *msgs)
    return 1


@app.service_bus_topic_trigger(
    "msg", connection="Bus", topic_name="events", subscription_name="%AUDIT%", data_type=BINARY
)
async def subscribed(msg: func.ServiceBusMessage) -> None:
    """Take what a topic passes on."""
    await _act("SUBSCRIBED", msg)
