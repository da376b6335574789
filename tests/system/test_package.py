"""What is deployed, by itself: packed, installed from requirements.txt alone, started, called."""

import json
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from bench.stack import PROJECT
from tests.contract.app.test_indexing import SETTINGS
from tests.unit.infra import python_side
from tests.unit.infra.packed import pack

pytestmark = [pytest.mark.package, pytest.mark.timeout(300)]

# Generous: what was measured on two cores is a third of it.
LARGEST_PACKAGE_KB = 500
LARGEST_INSTALLED_MB = 450
SLOWEST_START_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """The unpacked package with what was installed into it, and an otherwise empty Python."""

    app: Path
    package: Path
    python: Path

    def start(self) -> dict[str, Any]:
        """Start a process, have it answer a handshake, and return what it tells."""
        python, app = str(self.python), str(self.app)
        command = [python, "-m", "tests.system.packaged_app", app, str(time.monotonic())]
        ran = subprocess.run(
            command, cwd=PROJECT, env=SETTINGS, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return told


def pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    root = tmp_path_factory.mktemp("package")
    if pip("download", "--no-deps", "--dest", root, "pip").returncode != 0:
        pytest.skip("no package index is reachable")
    pack(PROJECT, root / "package.zip")
    with ZipFile(root / "package.zip") as archive:
        archive.extractall(root / "app")
    target = root / "app" / ".python_packages" / "lib" / "site-packages"
    needed = ("--no-compile", "--target", target, "-r", root / "app" / "requirements.txt")
    installed = pip("install", *needed)
    assert installed.returncode == 0, installed.stderr
    venv.create(root / "python", with_pip=False, symlinks=True)
    return Deployed(root / "app", root / "package.zip", root / "python" / "bin" / "python")


def test_the_package_is_small(deployed: Deployed) -> None:
    packed = deployed.package.stat().st_size / 1024
    files = (p for p in deployed.app.rglob("*") if p.is_file())
    installed = sum(file.stat().st_size for file in files) / 1024 / 1024
    print(f"\npackage {packed:.0f} KB, installed {installed:.0f} MB")
    assert packed < LARGEST_PACKAGE_KB
    assert installed < LARGEST_INSTALLED_MB


def test_it_starts_by_itself_and_answers_graph(deployed: Deployed) -> None:
    first, warm = deployed.start(), deployed.start()
    print(f"\ncold start {first['seconds']:.1f} s, with bytecode {warm['seconds']:.1f} s")
    assert (first["status"], first["body"]) == (200, first["token"])
    assert first["functions"] == sorted(t.function for t in python_side.triggers(PROJECT))
    assert max(first["seconds"], warm["seconds"]) < SLOWEST_START_SECONDS


def test_all_it_runs_on_came_with_it(deployed: Deployed) -> None:
    standard = Path(sysconfig.get_paths()["stdlib"]).resolve()
    strangers = [
        file
        for file in deployed.start()["files"]
        if not Path(file).resolve().is_relative_to(deployed.app)
        and not (Path(file).resolve().is_relative_to(standard) and "site-packages" not in file)
    ]
    assert strangers == []
