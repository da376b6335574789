"""What people are shown of the rows that items are tied to: which they are, and what about."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shared.dataverse.activities import Reference, regarding_in
from shared.dataverse.batch import Operation, name_in
from shared.dataverse.query import rows_where_in
from shared.identifiers import ActivityId

_REGARDING = "_regardingobjectid_value"


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """A row as people see it; `global_id` names the meeting a part of a series belongs to."""

    id: ActivityId
    table: str
    owner: str = ""
    regarding: Reference | None = None
    regarding_name: str = ""
    global_id: str = ""


def activities_shown(activities: Collection[ActivityId]) -> list[Operation]:
    """Ask for activities of whatever table by key."""
    return _named(
        rows_where_in(
            "activitypointers",
            ["activityid"],
            activities,
            select=f"activityid,activitytypecode,_ownerid_value,{_REGARDING}",
        )
    )


def occurrences_shown(global_ids: Collection[str]) -> list[Operation]:
    """Ask for the rows of some series, the latest first, so that the earliest is read last."""
    select = f"activityid,globalobjectid,scheduledstart,_ownerid_value,{_REGARDING}"
    return [
        Operation("GET", f"{one.path}&$orderby=scheduledstart%20desc", named=True)
        for one in rows_where_in("appointments", ["globalobjectid"], global_ids, select=select)
    ]


def shown_in(row: Mapping[str, Any]) -> ShownActivity:
    """Read the answer to either."""
    return ShownActivity(
        id=ActivityId(row["activityid"]),
        table=row.get("activitytypecode") or "appointment",
        owner=row["_ownerid_value"] or "",
        regarding=regarding_in(row),
        regarding_name=name_in(row, _REGARDING),
        global_id=str(row.get("globalobjectid") or "").upper(),
    )


def _named(operations: list[Operation]) -> list[Operation]:
    return [Operation(one.method, one.path, named=True) for one in operations]
