"""What an organisation changes in the mapping of contacts, and adds to it, from a JSON file.

{"change": [{"column": "description", "direction": "none"}],
 "add": [{"outlook": "officeLocation", "column": "new_office", "maxLength": 100}]}
"""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from shared.graph.contacts import PATHS, Form
from shared.sync.contacts.fields import FIELDS, FIXED, ContactField, Direction, Transform

_APP = Path(__file__).parents[3]
_MOST_ADDED = 200  # what a link remembers of all of them must fit into one column
_LONGEST = 1_048_576  # of a column for several lines of text
_MAPPED = {field.column for field in FIELDS}
_DYNAMICS_OWN = {
    "contactid", "ownerid", "owninguser", "owningteam", "owningbusinessunit", "statecode",
    "statuscode", "createdon", "createdby", "modifiedon", "modifiedby", "versionnumber", "masterid",
}  # fmt: skip
_OWN_TRANSFORM = {Form.TEXT: Transform.TEXT, Form.LIST: Transform.JOINED, Form.DAY: Transform.DAY}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Change(_Entry):
    """Another direction for a field of the mapping."""

    column: str
    direction: Direction

    @field_validator("column")
    @classmethod
    def _may_change(cls, column: str) -> str:
        if why := FIXED.get(column):
            raise ValueError(f"cannot be changed, for {why}; take the entry out")
        if column not in _MAPPED:
            raise ValueError("is no column of the mapping; put a field of your own under 'add'")
        return column


class _Addition(_Entry):
    """A field of the organisation's own; without a `transform` it has its property's own."""

    outlook: str
    column: str = Field(max_length=100)
    max_length: int = Field(default=0, alias="maxLength", ge=1, le=_LONGEST)
    transform: Transform | None = None
    direction: Direction = Direction.BOTH

    @field_validator("outlook")
    @classmethod
    def _is_known(cls, outlook: str) -> str:
        if outlook not in PATHS:
            raise ValueError(
                "is no property of a contact; name it as Graph does, e.g. officeLocation,"
                " imAddresses[0] or homeAddress.city"
            )
        return outlook

    @field_validator("column")
    @classmethod
    def _is_free(cls, column: str) -> str:
        if why := FIXED.get(column):
            raise ValueError(f"cannot be filled otherwise, for {why}; take the entry out")
        if column in _MAPPED:
            raise ValueError("has its property already; change its direction under 'change'")
        if column in _DYNAMICS_OWN:
            raise ValueError("is written by Dynamics alone; take the entry out")
        if not (column.isascii() and column.isidentifier() and column.islower()):
            raise ValueError("is no column's name; use its logical name, e.g. new_office")
        return column

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        form, transform = PATHS[self.outlook], self.field.transform
        if transform.takes is not form:
            fitting = " or ".join(one for one in Transform if one.takes is form)
            raise ValueError(
                f"'transform' {transform} is not for a {form}, which {self.outlook} is;"
                f" use {fitting}"
            )
        if not self.max_length and form is not Form.DAY:
            raise ValueError("'maxLength' is missing; set it to what the column holds")
        return self

    @property
    def field(self) -> ContactField:
        """The field it stands for."""
        transform = self.transform or _OWN_TRANSFORM[PATHS[self.outlook]]
        return ContactField(self.outlook, self.column, self.max_length, transform, self.direction)


class _File(_Entry):
    change: tuple[_Change, ...] = ()
    add: tuple[_Addition, ...] = Field(default=(), max_length=_MOST_ADDED)

    @field_validator("change", "add")
    @classmethod
    def _each_once(cls, entries: Sequence[_Change | _Addition]) -> Sequence[_Change | _Addition]:
        counted = Counter(entry.column for entry in entries)
        if twice := [column for column, count in counted.items() if count > 1]:
            raise ValueError(f"'{twice[0]}' has several entries; leave one")
        return entries


def read_fields(path: str) -> tuple[ContactField, ...]:
    """Return the mapping with what a file changes and adds; a relative path is the app's own.

    Raises:
        ValueError: one clause that names every problem: file, entry, field, and the remedy.
    """
    try:
        content = (_APP / path).read_bytes().removeprefix(BOM_UTF8)  # Windows editors put it there
        decided = _File.model_validate_json(content)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); mend the path") from None
    except ValidationError as error:
        problems = "; ".join(_told(problem) for problem in error.errors())
        raise ValueError(f"in {path}, {problems}") from None
    return tuple(_merged(decided.change, decided.add))


def _merged(changes: Iterable[_Change], additions: Iterable[_Addition]) -> Iterable[ContactField]:
    directions = {one.column: one.direction for one in changes}
    for field in FIELDS:
        yield replace(field, direction=directions.get(field.column, field.direction))
    for addition in additions:
        yield addition.field


def _told(problem: ErrorDetails) -> str:
    """Say where a problem is, what stands there, and what pydantic or a rule above says of it."""
    where = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in problem["loc"])
    found, kind = problem["input"], problem["type"]
    shown = f" '{found}'" if isinstance(found, str | int) and kind != "json_invalid" else ""
    said = {
        "missing": "is missing; set it",
        "extra_forbidden": "is not known; mend its name or take it out",
        "json_invalid": f"it is no JSON: {problem['msg'].removeprefix('Invalid JSON: ')}; mend it",
        "value_error": problem["msg"].removeprefix("Value error, "),
    }.get(kind, f"is wrong: {problem['msg'][:1].lower()}{problem['msg'][1:]}")
    return f"{where.removeprefix('.')}{shown} {said}".strip()
