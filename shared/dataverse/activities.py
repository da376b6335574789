"""What activities have in common: who takes part, how urgent they are, what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.records import Record
from shared.dataverse.text import fit

_NAVIGATION = "@Microsoft.Dynamics.CRM.associatednavigationproperty"
_TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"


class Role(IntEnum):
    """What a party is to the activity: `participationtypemask`."""

    FROM = 1
    TO = 2
    CC = 3
    BCC = 4
    REQUIRED = 5
    OPTIONAL = 6
    ORGANIZER = 7


class Priority(IntEnum):
    """`prioritycode`."""

    LOW = 0
    NORMAL = 1
    HIGH = 2

    @classmethod
    def of(cls, importance: str) -> "Priority":
        """Return what Outlook's `low`, `normal` or `high` stands for."""
        return cls.__members__.get(importance.upper(), cls.NORMAL)


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes part: a row, or an address nobody is known for."""

    role: Role
    address: str
    name: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A row pointed to, as it is bound: `entity_set(id)`, through which navigation property."""

    navigation: str
    table: str
    id: str


def regarding_in(row: Mapping[str, Any]) -> Reference | None:
    """Read the record an activity is about from its row with lookup annotations."""
    regarding = row["_regardingobjectid_value"]
    if not regarding:
        return None
    return Reference(
        navigation=row[f"_regardingobjectid_value{_NAVIGATION}"],
        table=row[f"_regardingobjectid_value{_TABLE}"],
        id=regarding,
    )


def bound(regarding: Reference | None, entity_sets: Mapping[str, str]) -> dict[str, Any]:
    """Return the column that points to a record; `entity_sets` names the set of its table."""
    if regarding is None:
        return {}
    target = f"{entity_sets[regarding.table]}({regarding.id})"
    return {f"{regarding.navigation}@odata.bind": target}


def regard(
    entity_set: str,
    activity: str,
    guard: str,
    present: Reference | None,
    wanted: Reference | None,
    entity_sets: Mapping[str, str],
) -> tuple[Operation, ...]:
    """Return what makes an activity be about `wanted`, None for nothing; completed ones as well.

    `guard` is the version of the row that may be written to (dataverse.md 2.4).
    """
    if (present and (present.table, present.id)) == (wanted and (wanted.table, wanted.id)):
        return ()
    columns = bound(wanted, entity_sets)
    if wanted is None and present is not None:
        columns = {f"{present.navigation}@odata.bind": None}
    return (Operation("PATCH", f"{entity_set}({activity})", columns, if_match=guard),)


def owned(owner: str) -> dict[str, Any]:
    """Return the column that gives a row to a user."""
    return {"ownerid@odata.bind": f"systemusers({owner})"}


def party_columns(party: Party) -> dict[str, Any]:
    """Return the row of a party as it is written within its activity."""
    columns: dict[str, Any] = {"participationtypemask": party.role}
    if party.address:
        columns["addressused"] = fit(party.address, 320)
    if party.record:
        columns[f"partyid_{party.record.table}@odata.bind"] = party.record.path
    elif party.name:
        columns["unresolvedpartyname"] = fit(party.name, 200)
    return columns
