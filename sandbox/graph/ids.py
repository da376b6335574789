"""Ids as Exchange mints them: opaque, long, case-sensitive, with `=`, `-` and `_` in them.

Regular ids name an item in a folder and change when it moves; immutable ids name the item in its
mailbox (graph.md 8.1). Both are made of the mailbox and a counter, so one run is like another. The
id of an occurrence is that of its series with the day in it.
"""

import base64
import binascii
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

_DATABASE = UUID("07f4a1b8-8a10-4982-b40f-a2df3700571b")
_IMMUTABLE = base64.b64decode("AAkALgAAAAAAHYQDEapmEc2byACqAC/EWg0A")
_GLOBAL = bytes.fromhex("040000008200E00074C5B7101A82E008")
_FILETIME_ZERO = datetime(1601, 1, 1)  # noqa: DTZ001 - counted in UTC, written without a zone


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


def of_day(item_id: str, day: int) -> str:
    """Return the id of a series' occurrence on a day, given as its proleptic ordinal."""
    stem, width = _stem(item_id)
    return _encode(stem + day.to_bytes(width))


def series_and_day(item_id: str) -> tuple[str, int]:
    """Return the id of an occurrence's series, and its day; 0 when it is no occurrence's id."""
    try:
        octets = base64.b64decode(item_id, altchars=b"_-", validate=True)
    except (binascii.Error, ValueError):
        return item_id, 0
    width = _day_width(octets)
    return _encode(octets[:-width] + bytes(width)), int.from_bytes(octets[-width:])


def global_id(mailbox: str, number: int, created: datetime) -> str:
    """Return the iCalUId of an event made here: the same in the mailbox of everyone invited."""
    ticks = (created.replace(tzinfo=None) - _FILETIME_ZERO).total_seconds() * 10_000_000
    own = UUID(mailbox).bytes[:10] + number.to_bytes(6)
    return _global(int(ticks).to_bytes(8, "little"), own)


def foreign_global_id(uid: str) -> str:
    """Return the iCalUId of an event that another calendar gave a UID."""
    return _global(bytes(8), b"vCal-Uid\x01\x00\x00\x00" + uid.encode() + b"\x00")


def global_id_of_day(global_id: str, day: date) -> str:
    """Return the iCalUId of a series' occurrence."""
    return f"{global_id[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{global_id[40:]}"


def change_key(number: int) -> str:
    """Return the version of an item, 40 characters, greater numbers being later."""
    stamp = b"\x09\x00\x00\x00\x16\x00\x00\x00" + _DATABASE.bytes + number.to_bytes(6)
    return base64.b64encode(stamp).decode()


def etag(key: str) -> str:
    """Return a change key as an ETag."""
    return f'W/"{key}"'


@lru_cache
def _stem(item_id: str) -> tuple[bytes, int]:
    """Return an id's octets but those of the day, and how many these are."""
    octets = base64.b64decode(item_id, altchars=b"_-")
    width = _day_width(octets)
    return octets[:-width], width


def _day_width(octets: bytes) -> int:
    return 4 if octets.startswith(_IMMUTABLE) else 3


def _global(created: bytes, own: bytes) -> str:
    size = len(own).to_bytes(4, "little")
    return (_GLOBAL + bytes(4) + created + bytes(8) + size + own).hex().upper()


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets, altchars=b"_-").decode()
