"""The shapes in which messages reach the worker."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from azure.functions.meta import Datum
from azure.functions.servicebus import ServiceBusMessageInConverter

from sandbox.functionshost.functions import DataType
from sandbox.functionshost.messages import (
    Message,
    batch_data,
    json_properties,
    net_time,
    single_data,
)
from sandbox.functionshost.protos import (
    CollectionBytes,
    CollectionSInt64,
    CollectionString,
    TypedData,
)

MOMENT = datetime(2026, 11, 23, 5, 0, 0, 123000, UTC)
FULL = Message(
    body=b"{}",
    lock_token=str(uuid.UUID(int=1)),
    sequence_number=77,
    enqueued_at=MOMENT,
    expires_at=MOMENT.replace(microsecond=0),
    delivery_count=2,
    properties={"n": 1},
    message_id="m1",
    correlation_id="c1",
    subject="s1",
    partition_key="p1",
)
BARE = Message(body=b"", lock_token=str(uuid.UUID(int=2)), sequence_number=78, enqueued_at=MOMENT)


def _strings(metadata: Mapping[str, TypedData], name: str) -> Sequence[str]:
    content = metadata[name].content
    assert isinstance(content, CollectionString)
    return content.string


def _json(metadata: Mapping[str, TypedData], name: str) -> object:
    assert metadata[name].WhichOneof("data") == "json"
    return json.loads(str(metadata[name].content))


def test_a_batch_drops_empty_strings_so_that_later_ones_move_up() -> None:
    _, metadata = batch_data([BARE, FULL], "BINARY")
    assert _strings(metadata, "CorrelationIdArray") == ["c1"]
    assert _strings(metadata, "MessageIdArray") == ["m1"]
    assert _strings(metadata, "SessionIdArray") == []
    assert _strings(metadata, "LockTokenArray") == [BARE.lock_token, FULL.lock_token]
    assert _strings(metadata, "SubjectArray") == _strings(metadata, "LabelArray") == ["s1"]
    assert _strings(metadata, "TransactionPartitionKeyArray") == ["p1"]


def test_a_batch_keeps_bodies_counts_times_and_properties_aligned() -> None:
    value, metadata = batch_data([BARE, FULL], "BINARY")
    assert value.content == CollectionBytes(bytes=[b"", b"{}"])
    assert _json(metadata, "DeliveryCountArray") == [1, 3]
    assert _json(metadata, "UserPropertiesArray") == [{}, {"n": 1}]
    assert _json(metadata, "ApplicationPropertiesArray") == [{}, {"n": 1}]
    assert _json(metadata, "EnqueuedTimeUtcArray") == ["2026-11-23T05:00:00.123"] * 2
    assert _json(metadata, "ExpiresAtUtcArray") == [
        "9999-12-31T23:59:59.9999999",
        "2026-11-23T05:00:00",
    ]
    assert metadata["SequenceNumberArray"].content == CollectionSInt64(sint64=[78, 77])


def test_a_batch_of_strings_drops_empty_bodies() -> None:
    value, _ = batch_data([BARE, FULL], "STRING")
    assert value.content == CollectionString(string=["{}"])


def test_a_batch_without_a_type_is_json() -> None:
    value, _ = batch_data([FULL, FULL], "UNDEFINED")
    assert value.WhichOneof("data") == "json"
    assert value.content == "[{}, {}]"
    with pytest.raises(ValueError, match="Expecting value"):
        batch_data([BARE], "UNDEFINED")


def test_a_single_message_leaves_absent_strings_out() -> None:
    value, metadata = single_data(FULL, "BINARY")
    assert value.content == b"{}"
    assert metadata["CorrelationId"].content == "c1"
    assert metadata["CorrelationId"].WhichOneof("data") == "string"
    assert "SessionId" not in metadata
    assert _json(metadata, "DeliveryCount") == 3
    assert _json(metadata, "SequenceNumber") == 77
    assert _json(metadata, "EnqueuedTimeUtc") == "2026-11-23T05:00:00.123"
    assert _json(metadata, "UserProperties") == {"n": 1}


@pytest.mark.parametrize("data_type", ["STRING", "UNDEFINED"])
def test_a_single_binary_body_is_corrupted_without_binary(data_type: DataType) -> None:
    message = Message(body=b"\xff\x00", lock_token="t", sequence_number=1, enqueued_at=MOMENT)
    value, _ = single_data(message, data_type)
    assert value.content == "\ufffd\x00"


def test_properties_become_json() -> None:
    one = uuid.UUID(int=1)
    assert json_properties(
        {"u": one, "d": MOMENT, "x": Decimal("1.50"), "b": b"\xff", "t": True, "n": None, "f": 0.5}
    ) == {
        "u": str(one),
        "d": "2026-11-23T05:00:00.123",
        "x": "1.50",
        "b": "/w==",
        "t": True,
        "n": None,
        "f": 0.5,
    }


def test_times_have_no_zone_and_no_trailing_zeros() -> None:
    assert net_time(datetime(2026, 1, 2, 3, 4, 5, 120, UTC)) == "2026-01-02T03:04:05.00012"
    assert net_time(datetime(2026, 1, 2, 3, 4, 50, 0, UTC)) == "2026-01-02T03:04:50"


class _Counted(Datum):
    """A datum that counts how often its value is read."""

    def __init__(self, content: object, kind: str | None) -> None:
        self.reads = 0
        super().__init__(content, kind)

    @property
    def value(self) -> object:
        self.reads += 1
        return self._content

    @value.setter
    def value(self, content: object) -> None:
        self._content = content


def test_every_message_parses_the_array_of_the_whole_batch() -> None:
    # Why maxMessageBatchSize must be small: decoding is quadratic (functions.md 4.3, trap 2).
    value, metadata = batch_data([FULL] * 40, "BINARY")
    known = {name: _Counted(one.content, one.WhichOneof("data")) for name, one in metadata.items()}
    decoded = ServiceBusMessageInConverter.decode(
        Datum(value.content, "collection_bytes"), trigger_metadata=known
    )
    assert isinstance(decoded, list)
    assert len(decoded) == 40
    assert known["DeliveryCountArray"].type == "json"
    assert known["DeliveryCountArray"].reads == 40
