"""A change on one side alone is found: a copy is changed, and the checks say what is wrong."""

import shutil
from pathlib import Path

import pytest

from tests.unit.infra.slips import SLIPS, Slip, types
from tests.unit.infra.templates import Checkout
from tests.unit.infra.test_templates import ARM_TYPES, PROJECT


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.file}: {slip.new[:40]}")
def test_a_change_on_one_side_is_found(slip: Slip, tmp_path: Path) -> None:
    if slip.check is types and not ARM_TYPES.is_dir():
        pytest.skip("Azure's type definitions are not here")
    copy = tmp_path / "checkout"
    for name in ("infra", "functions", "shared", "docs", "README.md", "host.json", "azure.yaml"):
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    changed = copy / slip.file
    text = changed.read_text()
    assert slip.old in text
    assert slip.check(Checkout(copy)) == []
    changed.write_text(text.replace(slip.old, slip.new))
    assert any(slip.finding in one for one in slip.check(Checkout(copy)))
