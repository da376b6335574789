"""What goes over the wire, by example, for the OpenAPI document; a test reads each as its model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from shared.tracking.contract import (
    ItemStatus,
    MailboxStatus,
    RegardingRequest,
    SaveRequest,
    StatusAnswer,
    StatusRequest,
)

MAIL_ID = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AcGsb5dC0m0OQ"
_MESSAGE_ID = "<CAF4711@mail.contoso.com>"
_REGARDING = {"table": "opportunity", "id": "7d3c2f5e-5f1a-4f0e-9a55-0c9b1de4a201"}
_SAVED: dict[str, Any] = {
    "id": MAIL_ID,
    "kind": "mail",
    "state": "saved",
    "why": "Saved by Ada Lovelace.",
    "reason": "seller",
    "savedBy": {"id": "0b0f6a2e-6d0c-4a6e-8f0b-7a1e5b8f3c11", "name": "Ada Lovelace"},
    "savedOn": "2026-11-24T09:30:00Z",
    "activity": {
        "table": "email",
        "id": "3c9f41b0-7f53-5a83-bb0e-0a4d4f3f8a55",
        "url": "https://contoso.crm.dynamics.com/main.aspx?pagetype=entityrecord&etn=email"
        "&id=3c9f41b0-7f53-5a83-bb0e-0a4d4f3f8a55",
        "regarding": {**_REGARDING, "name": "Engine No. 2"},
    },
    "participants": 2,
    "notes": [],
    "trouble": None,
}
_SAVING: dict[str, Any] = {
    "id": MAIL_ID,
    "kind": "mail",
    "state": "saving",
    "why": "Ada Lovelace has asked for it.",
}
_MAILBOX: dict[str, Any] = {
    "id": "5d9b0a1c-3c55-4d0b-a1a2-6f2b9f6f0d10",
    "address": "ada@contoso.com",
    "state": "enabled",
    "lacking": [],
    "mayEnable": True,
    "pending": 0,
}

BODIES: Mapping[type[BaseModel], dict[str, Any]] = {
    StatusRequest: {
        "items": [
            {"kind": "mail", "id": MAIL_ID},
            {"kind": "mail", "internetMessageId": _MESSAGE_ID},
        ]
    },
    SaveRequest: {"regarding": _REGARDING, "attachments": False},
    RegardingRequest: {"regarding": _REGARDING},
}
ANSWERS: Mapping[tuple[type[BaseModel], int], dict[str, Any]] = {
    (ItemStatus, 200): _SAVED,
    (ItemStatus, 202): _SAVING,
    (StatusAnswer, 200): {"items": [_SAVED, None]},
    (MailboxStatus, 200): _MAILBOX,
    (MailboxStatus, 202): {**_MAILBOX, "state": "waiting", "pending": 1},
}
