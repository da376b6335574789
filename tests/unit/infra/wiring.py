"""How the files call each other: parameters, outputs, parameter files, azd; returns the gaps."""

import re
from collections.abc import Callable
from typing import Any

from tests.unit.infra.templates import Checkout, Template

Check = Callable[[Checkout], list[str]]


def modules_get_their_parameters(checkout: Checkout) -> list[str]:
    """Each module is given exactly what it declares; no file of modules/ is left over."""
    main = checkout.template("main.bicep")
    problems = []
    for symbol, file, given in main.modules:
        declared = checkout.template(file).tree.get("parameters", {})
        problems += [f"{symbol} is given {name}" for name in given.keys() - declared.keys()]
        problems += [f"{symbol} lacks {name}" for name in _required(declared) - given.keys()]
    called = {file for _, file, _ in main.modules}
    files = {f"modules/{p.name}" for p in (checkout.root / "infra" / "modules").glob("*.bicep")}
    return [*problems, *(f"nobody calls {file}" for file in sorted(files - called))]


def outputs_exist(checkout: Checkout) -> list[str]:
    """Whatever main reads of a module, the module puts out."""
    main = checkout.template("main.bicep")
    outputs = {s: checkout.template(file).tree.get("outputs", {}) for s, file, _ in main.modules}
    read = set(re.findall(r"\b(\w+)\.\??outputs\.\??(\w+)", main.text))
    return [f"{m} has no output {name}" for m, name in sorted(read) if name not in outputs[m]]


def declared_is_used(checkout: Checkout) -> list[str]:
    """No parameter and no variable is declared in vain."""
    return [
        f"{template.path.name}: {name} is not used"
        for template in checkout.templates
        for section in ("parameters", "variables")
        for name in template.tree.get(section, {})
        if len(re.findall(rf"\b{name}\b", _without_comments(template))) < 2
    ]


def parameter_files_fit(checkout: Checkout) -> list[str]:
    """Each parameter file gives what main requires, and nothing main does not know."""
    declared = checkout.template("main.bicep").tree["parameters"]
    problems = []
    for file, given in checkout.parameters().items():
        problems += [f"{file} gives {name}" for name in given.keys() - declared.keys()]
        problems += [f"{file} lacks {name}" for name in _required(declared) - given.keys()]
    return problems


def names_have_abbreviations(checkout: Checkout) -> list[str]:
    """Every abbreviation is used, and every one used is there."""
    used = set(re.findall(r"abbreviations\.(?!json)(\w+)", checkout.text("infra/main.bicep")))
    return sorted(used ^ checkout.data("infra/abbreviations.json").keys())


def azd_finds_its_way(checkout: Checkout) -> list[str]:
    """azd's service is the one tagged; what the hook reads, main puts out."""
    told = checkout.text("azure.yaml")
    problems = []
    if "services:\n  app:\n" not in told or "'azd-service-name': 'app'" not in checkout.text(
        "infra/modules/function.bicep"
    ):
        problems.append("azd does not find the function app")
    hook = re.search(r"run: (\S+)", told)
    if hook is None or not (checkout.root / hook[1]).exists():
        problems.append("azd's hook is not there")
    outputs = checkout.template("main.bicep").tree["outputs"]
    needed = set(re.findall(r"\{(AZURE_\w+):\?", checkout.text("infra/rotate-client-state-key")))
    return [*problems, *(f"main does not put out {name}" for name in sorted(needed - set(outputs)))]


def operators_are_told(checkout: Checkout) -> list[str]:
    """docs/operations.md explains every value azd reads and every alert, and no others."""
    told = checkout.text("docs/operations.md")
    given = re.findall(r"'(TETHER_\w+|DATAVERSE_\w+)'", checkout.text("infra/main.bicepparam"))
    alerts = checkout.data("infra/alerts.json")
    named = {alert["name"] for kind in ("metrics", "queries") for alert in alerts[kind]}
    explained = set(re.findall(r"^\| `(TETHER_\w+|DATAVERSE_\w+)` ", told, re.MULTILINE))
    rows = told[told.index("| alert |") :].partition("\n\n")[0].splitlines()[2:]
    paragraphs = {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    return sorted((set(given) ^ explained) | (named ^ paragraphs))


def _required(declared: dict[str, Any]) -> set[str]:
    return {name for name, told in declared.items() if told["default"] is None}


def _without_comments(template: Template) -> str:
    return re.sub(r"^\s*//.*$", "", template.text, flags=re.MULTILINE)


CHECKS: tuple[Check, ...] = (
    modules_get_their_parameters,
    outputs_exist,
    declared_is_used,
    parameter_files_fit,
    names_have_abbreviations,
    azd_finds_its_way,
    operators_are_told,
)
