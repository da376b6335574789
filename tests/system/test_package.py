"""What is deployed, by itself: packed, installed from requirements.txt alone, started, called."""

import json
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from bench.stack import PROJECT
from shared.config import read_settings
from shared.graph.client_state import ClientStateKeys
from tests.contract.app.graphs_posts import Graph, collection
from tests.contract.app.test_indexing import SETTINGS
from tests.unit.infra import python_side
from tests.unit.infra.packed import pack

pytestmark = [pytest.mark.package, pytest.mark.timeout(300)]

# Generous: several times what was measured on two cores.
LARGEST_PACKAGE_KB = 500
LARGEST_INSTALLED_MB = 450
SLOWEST_START_SECONDS = 15.0

TOKEN = "Validation: Testing client application reachability for subscription"
MAILBOX = "22222222-2222-2222-2222-222222222222"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The unpacked package with what was installed into it, and an otherwise empty Python."""

    app: Path
    package: Path
    python: Path
    broker: str

    def start(self) -> dict[str, Any]:
        """Start a process, have it answer a handshake and a notification; return what it tells."""
        python, app = str(self.python), str(self.app)
        ran = subprocess.run(
            [python, "-m", "tests.system.packaged_app", app, str(time.monotonic())],
            input=json.dumps([handshake(), notification()]),
            cwd=PROJECT,
            env={**SETTINGS, "ServiceBusConnection": self.broker},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return told


def handshake() -> dict[str, Any]:
    return {"query": {"validationToken": TOKEN}, "body": ""}


def notification() -> dict[str, Any]:
    settings = read_settings(SETTINGS)
    keys = ClientStateKeys(settings.tenant, settings.client_state_keys)
    graph = Graph(settings.tenant, MAILBOX, keys)
    return {"query": {}, "body": collection(graph.change()).decode()}


def pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Serve the queues of infra/queues.json, and give the connection string."""
    command = [sys.executable, "-m", "sandbox.servicebus", "--entities", "infra/queues.json"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, broker: str) -> Deployed:
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
    python = root / "python" / "bin" / "python"
    return Deployed(root / "app", root / "package.zip", python, broker)


def test_the_package_is_small(deployed: Deployed) -> None:
    packed = deployed.package.stat().st_size / 1024
    files = (p for p in deployed.app.rglob("*") if p.is_file())
    installed = sum(file.stat().st_size for file in files) / 1024 / 1024
    print(f"\npackage {packed:.0f} KB, installed {installed:.0f} MB")
    assert packed < LARGEST_PACKAGE_KB
    assert installed < LARGEST_INSTALLED_MB


def test_it_starts_by_itself_and_answers_graph(deployed: Deployed) -> None:
    for start in ("cold", "with bytecode"):
        told = deployed.start()
        greeted, accepted = told["answers"]
        print(
            f"\nstart, {start}: handshake after {greeted['seconds']:.1f} s,"
            f" first 202 after {accepted['seconds']:.1f} s"
        )
        assert (greeted["status"], greeted["body"]) == (200, TOKEN)
        assert accepted["status"] == 202
        assert told["functions"] == sorted(t.function for t in python_side.triggers(PROJECT))
        assert accepted["seconds"] < SLOWEST_START_SECONDS


def test_all_it_runs_on_came_with_it(deployed: Deployed) -> None:
    standard = Path(sysconfig.get_paths()["stdlib"]).resolve()
    strangers = [
        file
        for file in deployed.start()["files"]
        if not Path(file).resolve().is_relative_to(deployed.app)
        and not (Path(file).resolve().is_relative_to(standard) and "site-packages" not in file)
    ]
    assert strangers == []
