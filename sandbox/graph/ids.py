"""Ids as Exchange mints them: opaque, long, case-sensitive, with `=`, `-` and `_` in them.

Regular ids name an item in a folder and change when it moves; immutable ids name the item in its
mailbox (graph.md 8.1). Both are made of the mailbox and a counter, so one run is like another.
"""

import base64
from uuid import UUID

_DATABASE = UUID("07f4a1b8-8a10-4982-b40f-a2df3700571b")
_IMMUTABLE = base64.b64decode("AAkALgAAAAAAHYQDEapmEc2byACqAC/EWg0A")


def immutable_id(mailbox: str, number: int) -> str:
    """Return the id an item keeps as long as it is in the mailbox, 72 characters."""
    return _encode(_IMMUTABLE + UUID(mailbox).bytes + number.to_bytes(6) + bytes(4))


def regular_id(mailbox: str, folder_number: int, number: int) -> str:
    """Return the id of an item where it is now, 152 characters."""
    return _encode(
        b"\x00\x03\x24\x00" + mailbox.encode() + b"\x00\x46" + bytes(5) + UUID(mailbox).bytes
        + b"\x07\x00" + _DATABASE.bytes + folder_number.to_bytes(6) + bytes(2) + b"\x00\x00"
        + UUID(mailbox).bytes[::-1] + number.to_bytes(6) + bytes(3)
    )  # fmt: skip


def folder_id(mailbox: str, number: int) -> str:
    """Return the id of a folder, which never changes, 120 characters."""
    return _encode(
        b"\x00\x03\x24\x00" + mailbox.encode() + b"\x00\x2e" + bytes(5) + UUID(mailbox).bytes
        + b"\x01\x00" + _DATABASE.bytes + number.to_bytes(6) + bytes(2)
    )  # fmt: skip


def conversation_id(mailbox: str, thread: bytes) -> str:
    """Return the id of a thread (16 bytes) in one mailbox."""
    return _encode(b"\x00\x04\x24\x00" + mailbox.encode() + b"\x00\x10\x00" + thread)


def change_key(number: int) -> str:
    """Return the version of an item, 40 characters, greater numbers being later."""
    stamp = b"\x09\x00\x00\x00\x16\x00\x00\x00" + _DATABASE.bytes + number.to_bytes(6)
    return base64.b64encode(stamp).decode()


def etag(key: str) -> str:
    """Return a change key as an ETag."""
    return f'W/"{key}"'


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets, altchars=b"_-").decode()
