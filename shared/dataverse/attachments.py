"""The files of an activity: `activitymimeattachment` rows, and the state they are written in."""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.query import rows_where_in
from shared.dataverse.text import fit
from shared.identifiers import ActivityId, AttachmentId

_REOPENED = {"statecode": 0, "statuscode": 1}
_CLOSED = {1, 2}


@dataclass(frozen=True, slots=True)
class Holder:
    """The row files are attached to: of which table, in which state; `etag` guards a write."""

    table: str
    entity_set: str
    id: ActivityId
    etag: str
    state: int
    status: int

    @property
    def is_closed(self) -> bool:
        """Whether it is completed or canceled, and so read-only."""
        return self.state in _CLOSED

    @property
    def read(self) -> Operation:
        """How to ask for it again."""
        return Operation("GET", f"{self.entity_set}({self.id})?$select=statecode,statuscode")


@dataclass(frozen=True, slots=True)
class File:
    """A file to be attached; `place` is where it stands among those of its activity, from 1."""

    id: AttachmentId
    name: str
    mime_type: str
    place: int
    content: bytes


def holders_with(entity_set: str, activities: Collection[ActivityId]) -> list[Operation]:
    """Ask for rows that are to have files."""
    return rows_where_in(
        entity_set, ["activityid"], activities, select="activityid,statecode,statuscode"
    )


def holder_row(table: str, entity_set: str, row: Mapping[str, Any]) -> Holder:
    """Read a row that is to have files."""
    return Holder(
        table=table,
        entity_set=entity_set,
        id=ActivityId(row["activityid"]),
        etag=row["@odata.etag"],
        state=row["statecode"],
        status=row["statuscode"],
    )


def attachments_with(attachments: Collection[AttachmentId]) -> list[Operation]:
    """Ask which files are there, by key."""
    column = "activitymimeattachmentid"
    return rows_where_in("activitymimeattachments", [column], attachments, select=column)


def attach(holder: Holder, file: File) -> ChangeSet:
    """Attach a file, all or nothing; a row that is closed is open only within (dataverse.md 2.4).

    Refused if the row is no longer as it was read.
    """
    path = f"{holder.entity_set}({holder.id})"
    closed = {"statecode": holder.state, "statuscode": holder.status}
    body = {
        "activitymimeattachmentid": file.id,
        f"objectid_{holder.table}@odata.bind": path,
        "objecttypecode": holder.table,
        "filename": fit(file.name, 255),
        "mimetype": fit(file.mime_type, 256),
        "attachmentnumber": file.place,
        "body": base64.b64encode(file.content).decode(),
    }
    write = Operation("POST", "activitymimeattachments", body)
    if not holder.is_closed:
        return ChangeSet((write,))
    return ChangeSet(
        (
            Operation("PATCH", path, _REOPENED, if_match=holder.etag),
            write,
            Operation("PATCH", path, closed, if_match="*"),
        )
    )
