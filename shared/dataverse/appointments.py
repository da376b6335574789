"""The `appointment` activity: what is read of one, and what makes, changes and ends one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
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

MAX_GLOBAL_ID = 300
CANCELED_IN_OUTLOOK = "Canceled in Outlook"
"""Stands in `subcategory` of a row that Tether canceled, so that it may open it again."""

_SAID = (
    "subject", "description", "location", "scheduledstart", "scheduledend", "isalldayevent",
    "prioritycode", "ismapiprivate",
)  # fmt: skip
_SELECT = (
    f"activityid,globalobjectid,{','.join(_SAID)},statecode,statuscode,subcategory,"
    "originalstartdate,createdon,_regardingobjectid_value,_ownerid_value"
)
_PARTIES = "appointment_activity_parties($select=participationtypemask,addressused,_partyid_value)"
_OPEN, _COMPLETED, _CANCELED, _SCHEDULED = range(4)
_CANCELED_STATUS = 4


class Status(IntEnum):
    """`statuscode` of an appointment that is neither completed nor canceled."""

    FREE = 1
    TENTATIVE = 2
    BUSY = 5
    OUT_OF_OFFICE = 6

    @property
    def state(self) -> int:
        """The `statecode` it goes with."""
        return _SCHEDULED if self in {Status.BUSY, Status.OUT_OF_OFFICE} else _OPEN


@dataclass(frozen=True, slots=True)
class Appointment:
    """What an `appointment` row says; times are UTC, `owner` is a systemuser's id."""

    global_id: str
    subject: str
    description: str
    location: str
    start: datetime
    end: datetime
    all_day: bool
    status: Status
    priority: Priority
    private: bool
    parties: tuple[Party, ...]
    owner: str

    @property
    def columns(self) -> dict[str, Any]:
        """What is written of it, its parties, state and owner apart."""
        values = (
            fit(self.subject, 200), fit(self.description, 1_048_576), fit(self.location, 200),
            written(self.start), written(self.end), self.all_day, self.priority, self.private,
        )  # fmt: skip
        return dict(zip(_SAID, values, strict=True))


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """An `appointment` row as it was read; `etag` guards a write to it.

    `original_start` is the slot of a row that native server-side synchronization made for a part of
    a series; other rows have none.
    """

    id: ActivityId
    etag: str
    start: datetime | None
    end: datetime | None
    created: datetime
    state: int
    status: int
    canceled_by_us: bool
    original_start: datetime | None
    regarding: Reference | None
    owner: str
    said: Mapping[str, Any]
    parties: frozenset[tuple[int, str]]

    @property
    def is_ended(self) -> bool:
        """Whether it is completed or canceled."""
        return self.state in {_COMPLETED, _CANCELED}

    def is_over(self, now: datetime) -> bool:
        """Whether it is past (UTC)."""
        return self.end is not None and self.end < now

    def says(self, appointment: Appointment) -> bool:
        """Tell whether the row says all of an appointment, its owner and regarding apart."""
        return (
            not self.is_ended
            and self.status == appointment.status
            and all((self.said[name] or "") == (v or "") for name, v in appointment.columns.items())
            and self.parties == frozenset(map(_told, appointment.parties))
        )


def appointments_of(global_ids: Collection[str]) -> list[Operation]:
    """Ask for all rows of some meetings, parts of series among them."""
    sought = {fit(one, MAX_GLOBAL_ID) for one in global_ids}
    return rows_where_in(
        "appointments", ["globalobjectid"], sought, select=_SELECT, expand=_PARTIES
    )


def appointment_row(row: Mapping[str, Any]) -> AppointmentRow:
    """Read an `appointment` row with its parties and lookup annotations."""
    return AppointmentRow(
        id=ActivityId(row["activityid"]),
        etag=row["@odata.etag"],
        start=_moment(row["scheduledstart"]),
        end=_moment(row["scheduledend"]),
        created=datetime.fromisoformat(row["createdon"]),
        state=row["statecode"],
        status=row["statuscode"],
        canceled_by_us=row["subcategory"] == CANCELED_IN_OUTLOOK,
        original_start=_moment(row["originalstartdate"]),
        regarding=regarding_in(row),
        owner=row["_ownerid_value"] or "",
        said={name: row[name] for name in _SAID},
        parties=frozenset(
            (
                one["participationtypemask"],
                one["_partyid_value"] or (one["addressused"] or "").lower(),
            )
            for one in row["appointment_activity_parties"]
            if one["participationtypemask"] in _MASKS
        ),
    )


def global_id_in(row: Mapping[str, Any]) -> str:
    """Return which meeting a row is of, in the one case that its text is compared in."""
    return str(row["globalobjectid"] or "").upper()


def create_appointment(
    activity: ActivityId,
    appointment: Appointment,
    regarding: Reference | None,
    entity_sets: Mapping[str, str],
) -> tuple[Operation, ...]:
    """Make the row; it lands as Scheduled and Busy, whatever is asked (dataverse.md 1.3)."""
    body = {
        "activityid": activity,
        "globalobjectid": fit(appointment.global_id, MAX_GLOBAL_ID),
        **appointment.columns,
        "appointment_activity_parties": [party_columns(one) for one in appointment.parties],
        **owned(appointment.owner),
        **bound(regarding, entity_sets),
    }
    made = Operation("POST", "appointments", body)
    if appointment.status is Status.BUSY:
        return (made,)
    return (made, Operation("PATCH", _path(activity), _state(appointment.status), if_match="*"))


def rewrite_appointment(row: AppointmentRow, appointment: Appointment) -> tuple[Operation, ...]:
    """Let an open row say what the meeting is now; one that Tether canceled is opened first.

    Refused if the row is no longer as it was read. Owner and regarding are people's in Dynamics.
    """
    path = _path(row.id)
    operations: list[Operation] = []
    if row.is_ended:
        reopened = {"statecode": _SCHEDULED, "statuscode": Status.BUSY}
        operations.append(Operation("PATCH", path, reopened, if_match=row.etag))
    columns: dict[str, Any] = {**appointment.columns}
    if row.canceled_by_us:
        columns["subcategory"] = None
    if row.parties != frozenset(map(_told, appointment.parties)):
        columns["appointment_activity_parties"] = [
            party_columns(one) for one in appointment.parties
        ]
    guard = "*" if operations else row.etag
    operations.append(Operation("PATCH", path, columns, if_match=guard))
    present = Status.BUSY if row.is_ended else row.status
    if present != appointment.status:
        operations.append(Operation("PATCH", path, _state(appointment.status), if_match="*"))
    return tuple(operations)


def touch_appointment(row: AppointmentRow, global_id: str) -> Operation:
    """Write what is there already, so that whoever read the row before must look again."""
    columns = {"globalobjectid": fit(global_id, MAX_GLOBAL_ID)}
    return Operation("PATCH", _path(row.id), columns, if_match=row.etag)


def cancel_appointment(row: AppointmentRow) -> tuple[Operation, ...]:
    """Mark a row as Canceled, and that it was Tether who did."""
    return (
        Operation("PATCH", _path(row.id), {"subcategory": CANCELED_IN_OUTLOOK}, if_match=row.etag),
        Operation(
            "PATCH",
            _path(row.id),
            {"statecode": _CANCELED, "statuscode": _CANCELED_STATUS},
            if_match="*",
        ),
    )


def delete_appointment(row: AppointmentRow) -> Operation:
    """Delete a row, unless it is no longer as it was read."""
    return Operation("DELETE", _path(row.id), if_match=row.etag)


_MASKS = {5, 6, 7}


def _told(party: Party) -> tuple[int, str]:
    return (int(party.role), party.record.id if party.record else clean(party.address).lower())


def _state(status: Status) -> dict[str, Any]:
    return {"statecode": status.state, "statuscode": status}


def _path(activity: ActivityId) -> str:
    return f"appointments({activity})"


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
