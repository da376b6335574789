"""What a table is: columns, lookups and their navigation properties, states, alternate keys."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from sandbox.dataverse.errors import unknown_segment

ColumnType = Literal[
    "string", "memo", "integer", "bigint", "decimal", "double", "money", "boolean", "datetime",
    "dateonly", "uniqueidentifier", "picklist", "state", "status", "lookup", "owner", "customer",
    "entityname", "partylist", "file",
]  # fmt: skip
Lookups = ("lookup", "owner", "customer")
OnDelete = Literal["Cascade", "RemoveLink", "Restrict", "NoCascade"]
KeyStatus = Literal["Pending", "InProgress", "Active", "Failed"]


class Option(BaseModel):
    """A choice; of a status column, `state` says which state it belongs to."""

    model_config = ConfigDict(frozen=True)

    value: int
    label: str
    state: int | None = None


class Reference(BaseModel):
    """One table a lookup can point to.

    `navigations` are the names that bind and expand it, the first of them canonical; `collection`
    is the way back from the target.
    """

    model_config = ConfigDict(frozen=True)

    target: str
    navigations: tuple[str, ...]
    relationship: str
    collection: str = ""
    on_delete: OnDelete = "RemoveLink"
    metadata_id: str = ""


class Column(BaseModel):
    """A column and what a client may do with it."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: ColumnType
    schema_name: str = ""
    label: str = ""
    metadata_id: str = ""
    max_length: int = 0
    minimum: float | None = None
    maximum: float | None = None
    precision: int = 10
    format: str = ""
    required: str = "None"
    creatable: bool = True
    updatable: bool = True
    readable: bool = True
    custom: bool = False
    default: bool | int | None = None
    options: tuple[Option, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def is_lookup(self) -> bool:
        """Whether the column holds a reference to a row."""
        return self.type in Lookups

    @property
    def property_name(self) -> str:
        """The column's name in a row on the wire."""
        return f"_{self.name}_value" if self.is_lookup else self.name


class Key(BaseModel):
    """An alternate key; only an Active one is enforced and addressable (dataverse.md 3)."""

    model_config = ConfigDict(frozen=True)

    name: str
    schema_name: str
    columns: tuple[str, ...]
    metadata_id: str
    status: KeyStatus = "Pending"


class Navigation(NamedTuple):
    """A single-valued navigation property: the lookup it belongs to and one of its targets."""

    column: Column
    reference: Reference


class Backward(NamedTuple):
    """A collection-valued navigation property: the table and lookup that point back."""

    table: str
    column: str


class Table(BaseModel):
    """A table's definition, the same for those delivered and those made through metadata."""

    model_config = ConfigDict(frozen=True)

    name: str
    schema_name: str
    entity_set: str
    id_column: str
    name_column: str = ""
    label: str = ""
    collection_label: str = ""
    metadata_id: str = ""
    ownership: Literal["UserOwned", "OrganizationOwned", "None"] = "UserOwned"
    activity: bool = False
    custom: bool = False
    creatable: bool = True
    updatable: bool = True
    deletable: bool = True
    has_activities: bool = False
    has_notes: bool = False
    change_tracking: bool = False
    initial_state: int = 0
    default_status: dict[int, int] = {}
    columns: dict[str, Column]
    keys: tuple[Key, ...] = ()

    @cached_property
    def properties(self) -> Mapping[str, Column]:
        """The readable columns by their names on the wire."""
        return {c.property_name: c for c in self.columns.values() if c.readable}

    @cached_property
    def navigations(self) -> Mapping[str, Navigation]:
        """The single-valued navigation properties by name."""
        return {
            name: Navigation(column, reference)
            for column in self.columns.values()
            for reference in column.references
            for name in reference.navigations
        }

    @cached_property
    def active_keys(self) -> tuple[Key, ...]:
        """The alternate keys that are enforced."""
        return tuple(key for key in self.keys if key.status == "Active")

    def status_of(self, state: int) -> int:
        """Return the status a row gets that is put into `state` without one."""
        return self.default_status[state]


class Schema:
    """All tables by logical name and by entity set, and the ways between them."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = dict(tables)
        self._index()

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def entity_set(self, name: str) -> Table:
        """Return the table behind an entity set.

        Raises:
            DataverseError: 404, there is no such set.
        """
        if name not in self._sets:
            raise unknown_segment(name)
        return self._sets[name]

    def collections(self, table: Table) -> Mapping[str, Backward]:
        """Return the table's collection-valued navigation properties by name."""
        return self._collections.get(table.name, {})

    def pointing_to(self, table: Table) -> list[tuple[Table, Column, Reference]]:
        """Return the lookups of all tables that can hold a row of this one."""
        return self._pointing.get(table.name, [])

    @property
    def activities(self) -> list[Table]:
        """The tables whose rows are activities."""
        return [table for table in self if table.activity]

    def put(self, table: Table) -> None:
        """Add a table or replace its definition."""
        self._tables[table.name] = table
        self._index()

    def replace(self, other: "Schema") -> None:
        """Take over the tables of another schema."""
        self._tables = {table.name: table for table in other}
        self._index()

    def remove(self, name: str) -> None:
        """Forget a table."""
        del self._tables[name]
        self._index()

    def _index(self) -> None:
        self._sets = {table.entity_set: table for table in self}
        self._collections: dict[str, dict[str, Backward]] = {}
        self._pointing: dict[str, list[tuple[Table, Column, Reference]]] = {}
        for table in self:
            for column in table.columns.values():
                for reference in column.references:
                    self._pointing.setdefault(reference.target, []).append(
                        (table, column, reference)
                    )
                    if reference.collection:
                        self._collections.setdefault(reference.target, {})[reference.collection] = (
                            Backward(table.name, column.name)
                        )
