"""What the parts of Tether's solution are made of, each as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

_NAMESPACE = UUID("0f5e7d0c-6f0f-5b1c-9f7d-2a5f3a1d8e44")

Right = Literal["Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `length` for text and memo, `options` (value → label) for a choice."""

    name: str
    label: str
    type: Literal["String", "Memo", "DateTime", "Picklist", "Integer", "Boolean"]
    length: int = 0
    options: Mapping[int, str] | None = None

    @property
    def logical_name(self) -> str:
        """The name in rows and queries."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that points to a row of `table`; deleting that row empties the column."""

    name: str
    label: str
    table: str

    @property
    def logical_name(self) -> str:
        """The name in metadata; rows show `_<name>_value`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table with its primary name column `tether_Name`."""

    name: str
    label: str
    plural: str
    columns: tuple[Column, ...]
    lookups: tuple[Lookup, ...]

    @property
    def logical_name(self) -> str:
        """The name in metadata."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class View:
    """A list that everybody can choose: columns with their widths, newest or worst first.

    `where` is the conditions of the query: column, operator, value (None for `null` and its kin).
    """

    table: str
    name: str
    columns: Mapping[str, int]
    order: str
    descending: bool = True
    where: tuple[tuple[str, str, int | None], ...] = ()

    @property
    def id(self) -> str:
        """The key of its row, the same in every environment."""
        return _id("view", self.table, self.name)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that counts the rows of a table by a column; a date is counted by `grouping`."""

    table: str
    name: str
    column: str
    shape: Literal["Column", "Bar", "Line"]
    grouping: Literal["", "day", "week"] = ""

    @property
    def id(self) -> str:
        """The key of its row, the same in every environment."""
        return _id("chart", self.table, self.name)


@dataclass(frozen=True, slots=True)
class Role:
    """A security role: its rights on tables, each in the whole organisation."""

    name: str
    description: str
    rights: Mapping[str, tuple[Right, ...]]

    @property
    def id(self) -> str:
        """The key of its row, the same in every environment."""
        return _id("role", self.name)


def _id(*named: str) -> str:
    return str(uuid5(_NAMESPACE, "|".join(named)))


def application_user_id(application_id: str) -> str:
    """Return the key a new application user gets."""
    return _id("user", application_id.lower())
