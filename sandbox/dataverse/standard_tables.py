"""Reads the standard tables from `standard_tables.toml`, whose head explains its notation."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args
from uuid import NAMESPACE_URL, uuid5

from sandbox.dataverse.schema import Column, ColumnType, OnDelete, Option, Reference, Table

SOURCE = Path(__file__).with_suffix(".toml")
SHARED = ("every", "owned", "activity")


@cache
def standard_tables() -> dict[str, Table]:
    """Return the tables every organisation has, by logical name."""
    source = tomllib.loads(SOURCE.read_text("utf-8"))
    shared = {name: source.pop(name)["columns"] for name in SHARED}
    return {name: _table(name, body, shared) for name, body in source.items()}


def metadata_id(*name: str) -> str:
    """Return the MetadataId of a standard definition, the same in every organisation."""
    return str(uuid5(NAMESPACE_URL, "/".join(("dataverse", *name))))


def shared_columns(kind: str, table: str) -> dict[str, Column]:
    """Return the columns of `every` or `owned` table, for one that is made by a client."""
    return dict(_columns(tomllib.loads(SOURCE.read_text("utf-8"))[kind]["columns"], table, ()))


def _table(name: str, body: dict[str, Any], shared: dict[str, str]) -> Table:
    activity = name in {"email", "appointment", "task"}
    ownership = body.get("ownership", "UserOwned")
    blocks = ["every", *(["owned"] if ownership == "UserOwned" else [])]
    blocks += ["activity"] if activity else body.get("include", [])
    suffixed = (name,) if activity else ()
    columns: dict[str, Column] = {}
    for block in blocks:
        columns |= dict(_columns(shared[block], name, suffixed))
    columns |= dict(_columns(body["columns"], name, ()))
    operations = body.get("operations", "all")
    return Table(
        name=name,
        schema_name=name.capitalize(),
        entity_set=body["set"],
        id_column="activityid" if activity else body.get("id", f"{name}id"),
        name_column="subject" if activity else body.get("name", ""),
        label=name.capitalize(),
        collection_label=body["set"].capitalize(),
        metadata_id=metadata_id(name),
        ownership=ownership,
        activity=activity,
        creatable=operations == "all",
        updatable=operations != "none",
        deletable=operations == "all",
        has_activities=body.get("has_activities", False),
        change_tracking=activity or body.get("change_tracking", False),
        initial_state=body.get("initial_state", 0),
        default_status=_default_status(body["columns"]),
        columns=columns,
    )


def _columns(lines: str, table: str, suffixed: tuple[str, ...]) -> Iterator[tuple[str, Column]]:
    for line in lines.strip().splitlines():
        column = _column(line.split(), table, suffixed)
        yield column.name, column


def _column(words: list[str], table: str, suffixed: tuple[str, ...]) -> Column:
    name, (kind, _, length) = words[0], words[1].partition(":")
    rest = words[2:]
    settings = dict(word.split("=", 1) for word in rest if "=" in word and not word[0].isdigit())
    default = settings.get("default")
    return Column(
        name=name,
        type=_type(kind),
        schema_name=name,
        label=name,
        metadata_id=metadata_id(table, name),
        max_length=int(length or 0),
        format=settings.get("format", ""),
        minimum=float(settings["min"]) if "min" in settings else None,
        maximum=float(settings["max"]) if "max" in settings else None,
        required="ApplicationRequired" if "required" in rest else "None",
        creatable=not {"read", "update"} & set(rest),
        updatable=not {"read", "create"} & set(rest),
        readable="hidden" not in rest,
        default=None
        if default is None
        else default == "true"
        if kind == "boolean"
        else int(default),
        options=tuple(_option(word) for word in rest if word[0].isdigit()),
        references=tuple(_references(name, table, rest, settings, suffixed)),
    )


def _type(kind: str) -> ColumnType:
    if kind not in get_args(ColumnType):
        raise ValueError(f"no column type {kind!r}")
    return cast("ColumnType", kind)


def _option(word: str) -> Option:
    value, _, label = word.partition("=")
    label, _, state = label.rstrip("*").partition("/")
    return Option(
        value=int(value), label=label.replace("_", " "), state=int(state) if state else None
    )


def _default_status(lines: str) -> dict[int, int]:
    words = [word for word in lines.split() if word.endswith("*") and "=" in word]
    marked = [option for word in words if (option := _option(word)).state is not None]
    return {option.state: option.value for option in marked if option.state is not None}


def _references(
    column: str,
    table: str,
    words: list[str],
    settings: dict[str, str],
    suffixed: tuple[str, ...],
) -> Iterator[Reference]:
    targets = words[words.index("->") + 1].split(",") if "->" in words else []
    on_delete = cast("OnDelete", settings.get("delete", "RemoveLink"))
    for target in targets:
        yield Reference(
            target=target,
            navigations=_navigations(column, target, len(targets), settings.get("as"), suffixed),
            relationship=f"{table}_{column}_{target}",
            collection=settings.get("back", "").replace("*", target),
            on_delete=on_delete,
            metadata_id=metadata_id(table, column, target),
        )


def _navigations(
    column: str, target: str, targets: int, given: str | None, suffixed: tuple[str, ...]
) -> tuple[str, ...]:
    if given:
        return (given,)
    name = column if targets == 1 or column == "ownerid" else f"{column}_{target}"
    with_table = tuple(f"{name}_{table}" for table in suffixed)
    return (*with_table, name) if column == "regardingobjectid" else (name, *with_table)


def regarding(target: str, activity: str) -> Reference:
    """Return how an activity points to a table that has just been given activities."""
    return Reference(
        target=target,
        navigations=_navigations("regardingobjectid", target, 2, None, (activity,)),
        relationship=f"{target}_{activity}s",
        on_delete="Cascade",
        metadata_id=metadata_id(activity, "regardingobjectid", target),
    )
