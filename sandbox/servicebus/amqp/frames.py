"""Frames: how performatives are laid on a byte stream."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.servicebus.amqp.performatives import Performative
from sandbox.servicebus.amqp.types import DecodeError

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP, SASL = 0, 1
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"
"""A frame without a body: keeps an idle connection open."""

_HEADER = struct.Struct(">IBBH")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that came in; an empty `body` is a heartbeat."""

    kind: int
    channel: int
    body: bytes


def frame(
    channel: int, performative: Performative, payload: bytes = b"", kind: int = AMQP
) -> bytes:
    """Lay a performative and what it carries into one frame."""
    body = performative.encode()
    return _HEADER.pack(8 + len(body) + len(payload), 2, kind, channel) + body + payload


class FrameSplitter:
    """Cuts a byte stream into protocol headers and frames of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | Frame]:
        """Yield each protocol header (bytes) and each frame that `data` completes.

        Raises:
            DecodeError: a frame that is too short or larger than agreed.
        """
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= 8:
                if self._buffer[at : at + 4] == b"AMQP":
                    at += 8
                    yield bytes(self._buffer[at - 8 : at])
                    continue
                size, offset, kind, channel = _HEADER.unpack_from(self._buffer, at)
                if not 2 * 4 <= 4 * offset <= size <= self._largest:
                    raise DecodeError(f"a frame of {size} bytes with its body at {4 * offset}")
                if len(self._buffer) - at < size:
                    return
                body = bytes(self._buffer[at + 4 * offset : at + size])
                at += size
                yield Frame(kind, channel, body)
        finally:
            del self._buffer[:at]
