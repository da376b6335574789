"""What the app's Python says about its surroundings, read from its text: nothing is imported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trigger:
    """A function and what calls it: route, service_bus_queue_trigger or timer_trigger."""

    function: str
    kind: str
    queue: str | None
    connection: str | None


def triggers(root: Path) -> list[Trigger]:
    """Return every function of the app."""
    return [
        Trigger(node.name, called, given.get("queue_name"), given.get("connection"))
        for file in sorted((root / "functions").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.AsyncFunctionDef)
        for called, given in _decorators(node)
        if called == "route" or called.endswith("_trigger")
    ]


def _decorators(node: ast.AsyncFunctionDef) -> Iterator[tuple[str, dict[str, str]]]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
            yield decorator.func.attr, _literals(decorator)


def _literals(call: ast.Call) -> dict[str, str]:
    return {
        given.arg: given.value.value
        for given in call.keywords
        if given.arg
        and isinstance(given.value, ast.Constant)
        and isinstance(given.value.value, str)
    }


def settings(root: Path) -> dict[str, bool]:
    """Return every app setting's name, and whether the app refuses to start without it."""
    tree = ast.parse((root / "shared" / "config.py").read_text())
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            alias = _literals(node).get("alias") if node.func.id == "Field" else None
            if alias:
                found[alias] = not node.args
    return found


def metrics(root: Path) -> dict[str, set[str]]:
    """Return the metrics of the app's table, each with its attributes."""
    names: dict[str, str] = {}
    table: dict[str, set[str]] = {}
    for node in _telemetry(root).body:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=[*to])], value=ast.Tuple(elts=[*values])):
                for name, value in zip(to, values, strict=True):
                    if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                        names[name.id] = str(value.value)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                names[name] = value
            case ast.AnnAssign(target=ast.Name(id="METRICS"), value=ast.Dict(keys=keys, values=of)):
                for key, value in zip(keys, of, strict=True):
                    attributes = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                    if isinstance(key, ast.Constant):
                        known = attributes & names.keys()
                        table[str(key.value)] = {names[name] for name in known}
            case _:
                pass
    return table


def instruments(root: Path) -> set[str]:
    """Return the names of the metrics that are made."""
    return {
        node.args[0].value
        for node in ast.walk(_telemetry(root))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith(("_meter.create_", "Finding"))
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _telemetry(root: Path) -> ast.Module:
    return ast.parse((root / "shared" / "telemetry.py").read_text())


def graph_permissions(root: Path) -> set[str]:
    """Return the Graph permissions the README names."""
    told = (root / "README.md").read_text()
    return set(re.findall(r"`([A-Z]\w+\.Read(?:Write)?(?:\.All)?)`", told))
