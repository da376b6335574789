"""Which conversation a mail belongs to, and where in it (graph.md 8.2)."""

import base64
import binascii
import hashlib
import re

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
ROOT_BYTES = 22
REPLY_BYTES = 5


def message_ids(header: str) -> list[str]:
    """Return the message ids in a References or In-Reply-To header, oldest first."""
    return _MESSAGE_ID.findall(header)


def from_thread_index(header: str) -> str | None:
    """Return a Thread-Index header as a conversation index, or None when it is not one."""
    try:
        index = base64.b64decode(header.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(index) < ROOT_BYTES or (len(index) - ROOT_BYTES) % REPLY_BYTES:
        return None
    return base64.b64encode(index).decode()


def root(first_message_id: str) -> str:
    """Return the index of a thread's first mail, the same in every mailbox."""
    digest = hashlib.sha256(first_message_id.encode()).digest()
    return base64.b64encode(b"\x01" + digest[: ROOT_BYTES - 1]).decode()


def reply(parent_index: str, message_id: str) -> str:
    """Return the index of a mail that answers the one with `parent_index`."""
    block = hashlib.sha256(message_id.encode()).digest()[:REPLY_BYTES]
    return base64.b64encode(base64.b64decode(parent_index) + block).decode()


def thread_of(index: str) -> bytes:
    """Return the 16 bytes that name the thread in an index."""
    return base64.b64decode(index)[6:ROOT_BYTES]
