"""The `email` activity: what is read of one, and the operations that make and complete one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.dataverse.activities import (
    Party,
    Priority,
    Reference,
    bound,
    owned,
    party_columns,
    regarding_in,
)
from shared.dataverse.batch import Operation
from shared.dataverse.mailboxes import written
from shared.dataverse.query import rows_where_in
from shared.dataverse.text import clean, fit
from shared.identifiers import ActivityId

MAX_MESSAGE_ID = 320
SELECT = (
    "activityid,messageid,directioncode,actualend,createdon,"
    "_parentactivityid_value,_regardingobjectid_value,_ownerid_value"
)
_REOPENED = {"statecode": 0, "statuscode": 1}


@dataclass(frozen=True, slots=True)
class Email:
    """An `email` row, as far as the rules need it; `etag` guards a write to it."""

    id: ActivityId
    message_id: str
    outgoing: bool
    when: datetime
    parent: ActivityId | None = None
    regarding: Reference | None = None
    owner: str = ""
    etag: str = "*"


@dataclass(frozen=True, slots=True)
class Content:
    """What a new `email` row says; `owner` is a systemuser's id, times are UTC."""

    message_id: str
    subject: str
    body: str
    outgoing: bool
    sent: datetime
    received: datetime
    priority: Priority
    parties: tuple[Party, ...]
    owner: str
    parent: ActivityId | None
    regarding: Reference | None


def emails_with(message_ids: Collection[str]) -> list[Operation]:
    """Ask for the rows of some mails; Dataverse compares text without regard to case."""
    sought = {message_id for message_id in message_ids if len(message_id) <= MAX_MESSAGE_ID}
    return rows_where_in("emails", ["messageid"], sought, select=SELECT)


def emails_by_id(activities: Collection[ActivityId]) -> list[Operation]:
    """Ask for rows by key."""
    return rows_where_in("emails", ["activityid"], activities, select=SELECT)


def email_row(row: Mapping[str, Any]) -> Email:
    """Read an `email` row with its lookup annotations."""
    return Email(
        id=ActivityId(row["activityid"]),
        message_id=row["messageid"] or "",
        outgoing=bool(row["directioncode"]),
        when=datetime.fromisoformat(row["actualend"] or row["createdon"]),
        parent=row["_parentactivityid_value"],
        regarding=regarding_in(row),
        owner=row["_ownerid_value"] or "",
        etag=row["@odata.etag"],
    )


def create_email(
    activity: ActivityId, content: Content, entity_sets: Mapping[str, str]
) -> tuple[Operation, ...]:
    """Make the row, open, with its parties, then complete it as Sent or Received.

    `entity_sets` names the entity set of the regarding record's table. A plain POST with the key in
    it fails on a row that exists; a deep insert on an upsert is not certain (dataverse.md 2.1).
    """
    body = {
        "activityid": activity,
        "messageid": fit(content.message_id, MAX_MESSAGE_ID),
        **_said(content),
        **_correlated(content, entity_sets),
    }
    return (Operation("POST", "emails", body), _complete(activity, outgoing=content.outgoing))


def rewrite_email(
    email: Email, content: Content, entity_sets: Mapping[str, str]
) -> tuple[Operation, ...]:
    """Let the sender's own copy, which knows more, replace what a recipient's copy said."""
    columns = {**_said(content), **_correlated(content, entity_sets)}
    return _amended(email, columns, outgoing=content.outgoing)


def correlate_email(
    email: Email, content: Content, entity_sets: Mapping[str, str]
) -> tuple[Operation, ...]:
    """Give a row the parent that was not there when it was made, and the owner that follows."""
    owner = {} if email.outgoing else owned(content.owner)
    columns = {**_correlated(content, entity_sets), **owner}
    return _amended(email, columns, outgoing=email.outgoing)


def touch_email(email: Email) -> Operation:
    """Write what is there already, so that whoever read the row before must look again."""
    return _complete(email.id, outgoing=email.outgoing, guard=email.etag)


def delete_email(activity: ActivityId, email: Email | None) -> Operation:
    """Delete a row, unless it is no longer as it was read; parties and attachments go with it."""
    return Operation("DELETE", f"emails({activity})", if_match=email.etag if email else None)


def _amended(email: Email, columns: dict[str, Any], *, outgoing: bool) -> tuple[Operation, ...]:
    """Change completed mail, which is read-only until it is reopened (dataverse.md 2.4).

    Refused if the row is no longer as it was read: two amendments never mix.
    """
    path = f"emails({email.id})"
    return (
        Operation("PATCH", path, _REOPENED, if_match=email.etag),
        Operation("PATCH", path, columns, if_match="*"),
        _complete(email.id, outgoing=outgoing),
    )


def _said(content: Content) -> dict[str, Any]:
    return {
        "subject": fit(content.subject, 800),
        "description": clean(content.body),
        "directioncode": content.outgoing,
        "actualstart": written(content.sent),
        "actualend": written(content.received),
        "sortdate": written(content.received),
        "prioritycode": content.priority,
        "email_activity_parties": [party_columns(party) for party in content.parties],
        **owned(content.owner),
    }


def _complete(activity: ActivityId, *, outgoing: bool, guard: str = "*") -> Operation:
    sent, received = 3, 4  # statuscode (dataverse.md 1.2)
    columns = {"statecode": 1, "statuscode": sent if outgoing else received}
    return Operation("PATCH", f"emails({activity})", columns, if_match=guard)


def _correlated(content: Content, entity_sets: Mapping[str, str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if content.parent:
        columns["parentactivityid@odata.bind"] = f"emails({content.parent})"
        columns["CorrelatedActivityId_Email@odata.bind"] = f"emails({content.parent})"
    return columns | bound(content.regarding, entity_sets)
