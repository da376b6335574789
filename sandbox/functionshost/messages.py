"""Service Bus messages in the shapes the real extension sends (functions.md 4.2, 4.4)."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.functionshost import protos
from sandbox.functionshost.functions import DataType

# What .NET shows for a message that never expires: its latest representable time.
_NEVER = "9999-12-31T23:59:59.9999999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message under lock. `delivery_count` counts earlier deliveries, times are UTC.

    `native` is the receiver's own object for it.
    """

    body: bytes
    lock_token: str
    sequence_number: int
    enqueued_at: datetime
    expires_at: datetime | None = None
    delivery_count: int = 0
    properties: Mapping[str, object] = field(default_factory=dict)
    message_id: str | None = None
    session_id: str | None = None
    correlation_id: str | None = None
    subject: str | None = None
    content_type: str | None = None
    reply_to: str | None = None
    reply_to_session_id: str | None = None
    to: str | None = None
    partition_key: str | None = None
    dead_letter_source: str | None = None
    native: object = None


type Data = tuple[protos.TypedData, Mapping[str, protos.TypedData]]

_STRINGS: Mapping[str, Callable[[Message], str | None]] = {
    "MessageId": lambda m: m.message_id,
    "LockToken": lambda m: m.lock_token,
    "SessionId": lambda m: m.session_id,
    "CorrelationId": lambda m: m.correlation_id,
    "Subject": lambda m: m.subject,
    "Label": lambda m: m.subject,
    "ContentType": lambda m: m.content_type,
    "ReplyTo": lambda m: m.reply_to,
    "ReplyToSessionId": lambda m: m.reply_to_session_id,
    "To": lambda m: m.to,
    "PartitionKey": lambda m: m.partition_key,
    # An upstream slip: the extension fills it with the partition key.
    "TransactionPartitionKey": lambda m: m.partition_key,
    "DeadLetterSource": lambda m: m.dead_letter_source,
}
_JSON: Mapping[str, Callable[[Message], object]] = {
    "UserProperties": lambda m: json_properties(m.properties),
    "ApplicationProperties": lambda m: json_properties(m.properties),
    # .NET counts this delivery too (functions.md 4.3, trap 4).
    "DeliveryCount": lambda m: m.delivery_count + 1,
    "EnqueuedTimeUtc": lambda m: net_time(m.enqueued_at),
    "ExpiresAtUtc": lambda m: net_time(m.expires_at) if m.expires_at else _NEVER,
}


def single_data(message: Message, data_type: DataType) -> Data:
    """Return value and metadata for `cardinality=one`; absent strings are left out.

    Without BINARY the body is read as UTF-8, and one that is not comes out corrupted, as in Azure.
    """
    metadata = {
        name: protos.TypedData(string=value)
        for name, read in _STRINGS.items()
        if (value := read(message)) is not None
    }
    metadata |= {
        name: protos.TypedData(json=json.dumps(read(message))) for name, read in _JSON.items()
    }
    metadata["SequenceNumber"] = protos.TypedData(json=str(message.sequence_number))
    if data_type == "BINARY":
        return protos.TypedData(bytes=message.body), metadata
    return protos.TypedData(string=message.body.decode("utf-8", "replace")), metadata


def batch_data(messages: Sequence[Message], data_type: DataType) -> Data:
    """Return value and metadata for `cardinality=many`.

    Empty and absent strings are dropped from their arrays, so that later ones move up: the real
    host does that to a worker that does not ask for empty entries (functions.md 4.3, trap 1).

    Raises:
        ValueError: without a data type every body must be JSON.
    """
    metadata = {
        f"{name}Array": protos.TypedData(
            collection_string=protos.CollectionString(
                string=[value for message in messages if (value := read(message))]
            )
        )
        for name, read in _STRINGS.items()
    }
    metadata |= {
        f"{name}Array": protos.TypedData(json=json.dumps([read(m) for m in messages]))
        for name, read in _JSON.items()
    }
    metadata["SequenceNumberArray"] = protos.TypedData(
        collection_sint64=protos.CollectionSInt64(sint64=[m.sequence_number for m in messages])
    )
    return _bodies([message.body for message in messages], data_type), metadata


def _bodies(bodies: Sequence[bytes], data_type: DataType) -> protos.TypedData:
    if data_type == "BINARY":
        return protos.TypedData(collection_bytes=protos.CollectionBytes(bytes=bodies))
    if data_type == "STRING":
        texts = [body.decode("utf-8", "replace") for body in bodies if body]
        return protos.TypedData(collection_string=protos.CollectionString(string=texts))
    return protos.TypedData(json=json.dumps([json.loads(body) for body in bodies]))


def net_time(moment: datetime) -> str:
    """Write a UTC time as .NET serialises one of unspecified kind: no zone, no trailing zeros."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".")


def json_properties(properties: Mapping[str, object]) -> dict[str, object]:
    """Return application properties as JSON values: other types become text (4.3, trap 5)."""
    return {name: _json_value(value) for name, value in properties.items()}


def _json_value(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return net_time(value)
        case _:
            return str(value)
