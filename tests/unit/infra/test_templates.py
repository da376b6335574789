"""The templates parse, fit together, agree with the app, and keep the rules."""

from pathlib import Path

import pytest

from tests.unit.infra import agreement, rules, wiring
from tests.unit.infra.arm_types import ArmTypes, misfits, unchecked
from tests.unit.infra.templates import Checkout

PROJECT = Path(__file__).resolve().parents[3]
ARM_TYPES = PROJECT.parent / "shared" / "data" / "arm-types"


@pytest.fixture(scope="module")
def checkout() -> Checkout:
    return Checkout(PROJECT)


def test_every_template_and_parameter_file_parses(checkout: Checkout) -> None:
    assert len(checkout.templates) == 14
    assert checkout.parameters().keys() == {
        "main.bicepparam",
        "main.dev.bicepparam",
        "main.prod.bicepparam",
        "main.private.bicepparam",
    }


@pytest.mark.parametrize("check", wiring.CHECKS, ids=lambda check: check.__name__)
def test_the_files_fit_together(check: wiring.Check, checkout: Checkout) -> None:
    assert check(checkout) == []


@pytest.mark.parametrize("check", agreement.CHECKS, ids=lambda check: check.__name__)
def test_bicep_and_python_agree(check: agreement.Check, checkout: Checkout) -> None:
    assert check(checkout) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_every_resource_keeps_the_rules(rule: rules.Rule, checkout: Checkout) -> None:
    assert rule(checkout) == []


@pytest.mark.skipif(not ARM_TYPES.is_dir(), reason="Azure's type definitions are not here")
def test_azure_knows_every_property_and_value(checkout: Checkout) -> None:
    types = ArmTypes(ARM_TYPES)
    assert misfits(checkout, types) == []
    # The Graph extension has its own definitions, which are not among Azure's.
    assert unchecked(checkout, types) == {"Microsoft.Graph/appRoleAssignedTo"}
