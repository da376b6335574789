"""Checks resources against Azure's own type definitions, one JSON for each type and version."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.unit.infra.templates import Checkout, Resource, Tree, branches, is_open, unwrapped

# Bicep's own properties of a declaration; they are no part of what is sent.
_OWN = {"parent", "scope", "dependsOn"}
_PYTHON = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


class ArmTypes:
    """The definitions in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def definition(self, resource: Resource) -> Mapping[str, Any] | None:
        """Return the definition of a resource's type, or None where there is none."""
        name = f"{resource.type.replace('/', '.')}@{resource.version}.json"
        path = self._folder / name
        return json.loads(path.read_text())["body"] if path.exists() else None

    def known(self, resource: Resource) -> bool:
        """Tell whether any version of the type is there."""
        return any(self._folder.glob(f"{resource.type.replace('/', '.')}@*.json"))


def unchecked(checkout: Checkout, types: ArmTypes) -> set[str]:
    """Return the types nothing is known of."""
    return {r.type for r in checkout.resources if not types.known(r)}


def misfits(checkout: Checkout, types: ArmTypes) -> list[str]:
    """Return what Azure would refuse."""
    problems = []
    for resource in checkout.resources:
        definition = types.definition(resource)
        if definition is None:
            if types.known(resource):
                problems.append(f"{resource}: unknown version {resource.version}")
            continue
        body = {name: value for name, value in resource.body.items() if name not in _OWN}
        symbols = resource.template.symbols
        problems += [f"{resource}{told}" for told in _misfits(body, definition, "", symbols)]
    if (queue := types.definition(_queue(checkout))) is not None:
        for name, properties in checkout.data("infra/queues.json").items():
            told = _misfits(properties, queue["properties"]["properties"], "", set())
            problems += [f"queues.json: {name}{one}" for one in told]
    return problems


def _queue(checkout: Checkout) -> Resource:
    return next(r for r in checkout.resources if r.type.endswith("namespaces/queues"))


def _misfits(
    value: Tree, definition: Mapping[str, Any], path: str, symbols: set[str]
) -> Iterator[str]:
    for one in branches(value):
        if isinstance(one, dict) and "loop_type" in one:
            _, body = unwrapped(one)
            if "items" in definition:
                yield from _misfits(body, definition["items"], f"{path}[]", symbols)
        elif one is not None and not is_open(one, symbols):
            yield from _literal(one, definition, path, symbols)


def _literal(
    value: Tree, definition: Mapping[str, Any], path: str, symbols: set[str]
) -> Iterator[str]:
    expected = _PYTHON.get(definition["type"])
    if expected and (
        not isinstance(value, expected) or isinstance(value, bool) > (expected is bool)
    ):
        yield f"{path}: {value!r} is no {definition['type']}"
    elif isinstance(value, dict):
        yield from _object(value, definition, path, symbols)
    elif isinstance(value, list):
        for part in value:
            yield from _misfits(
                part, definition.get("items", {"type": "any"}), f"{path}[]", symbols
            )
    elif value not in _allowed(definition, value):
        yield f"{path}: {value!r} is none of {', '.join(_allowed(definition, value))}"
    elif isinstance(value, str) and not re.search(definition.get("pattern", ""), value):
        yield f"{path}: {value!r} does not look like {definition['pattern']}"
    elif isinstance(value, str) and len(value) < definition.get("minLength", 0):
        yield f"{path}: {value!r} is too short"


def _allowed(definition: Mapping[str, Any], value: Tree) -> list[Any]:
    if "const" in definition:
        return [definition["const"]]
    allowed: list[Any] = definition.get("enum", [value])
    return allowed


def _object(
    value: dict[str, Any], definition: Mapping[str, Any], path: str, symbols: set[str]
) -> Iterator[str]:
    properties = _properties(value, definition)
    if properties is None:
        yield f"{path}: no such {definition['discriminator']}"
        return
    if not properties and "additional" not in definition:
        return  # cut off below here
    for name, part in value.items():
        known = properties.get(name) or definition.get("additional")
        if known is None:
            yield f"{path}.{name} is unknown"
        elif known.get("readOnly"):
            yield f"{path}.{name} is read-only"
        else:
            yield from _misfits(part, known, f"{path}.{name}", symbols)
    for name, known in properties.items():
        if known.get("required") and not known.get("readOnly") and name not in value:
            yield f"{path}.{name} is missing"


def _properties(value: dict[str, Any], definition: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the properties of an object, those of the variant it says it is included."""
    properties: Mapping[str, Any] = definition.get("properties", {})
    if "variants" not in definition:
        return properties
    variant = definition["variants"].get(value.get(definition["discriminator"]))
    return None if variant is None else {**properties, **variant["properties"]}
