"""Imports point one way: functions → shared.sync → shared.graph | shared.dataverse | the rest."""

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TELLING = {"shared.calling", "shared.telemetry", "shared.tracing"}
BASIC = TELLING | {"shared.answers", "shared.catalogue", "shared.errors", "shared.identifiers"}
MAY_IMPORT = {
    "functions": {"functions", "shared"},
    "shared": {"shared"},
    "shared/sync": {"shared"},
    "shared/graph": BASIC | {"shared.graph", "shared.changes"},
    "shared/catalogue": {"shared.catalogue"},
    "shared/tracking": {"shared"},
    "shared/dataverse": BASIC | {"shared.dataverse"},
    "cli": {"cli", "shared"},
    "sandbox": {"sandbox"},
}
OURS = ("functions", "shared", "cli", "sandbox", "bench", "tests")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module) if module:
                yield from (f"{module}.{name.name}" for name in node.names)
            case _:
                pass


def trespasses(folder: str, *, recursive: bool) -> list[str]:
    files = (PROJECT / folder).rglob("*.py") if recursive else (PROJECT / folder).glob("*.py")
    return [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in files
        for name in imported(file)
        if name.split(".")[0] in OURS
        and not any(f"{name}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[folder])
    ]


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_layer_imports_only_what_lies_below_it(folder: str) -> None:
    assert trespasses(folder, recursive=folder != "shared") == []


def test_the_sync_does_not_know_the_api() -> None:
    knowing = [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in (PROJECT / "shared" / "sync").rglob("*.py")
        for name in imported(file)
        if name.startswith("shared.tracking.")
    ]
    assert knowing == []


def test_the_sandbox_does_not_know_the_app() -> None:
    knowing = [
        file.relative_to(PROJECT)
        for file in (PROJECT / "sandbox").rglob("*.py")
        if "tether" in file.read_text().lower()
    ]
    assert knowing == []


def test_no_dependency_shadows_the_app_on_the_platform_which_puts_it_last() -> None:
    installed = Path(sysconfig.get_paths()["purelib"])
    assert [name for name in ("functions", "shared") if (installed / name).exists()] == []
