"""The Bicep files of a checkout, parsed: what each declares, and what is literal in it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

# A parsed value: what it is, the file decides.
type Tree = Any

_parser = BicepParser()


@cache
def parsed(text: str) -> dict[str, Any]:
    """Return the tree of a Bicep file; the same text is parsed once."""
    tree: Tree = _parser.parse(text=text)
    return dict(tree)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource declaration, its loop and its condition taken off its body."""

    template: "Template"
    symbol: str
    type: str
    version: str
    existing: bool
    condition: object
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.template.path.name}: {self.symbol}"

    def at(self, path: str) -> object:
        """Return what stands under a dotted path of the body, or None."""
        value: Any = self.body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """One Bicep file."""

    path: Path
    text: str
    tree: Mapping[str, Any]

    @property
    def symbols(self) -> set[str]:
        """All names the file declares, those of loops included: what stands for something else."""
        loops = re.findall(r"for \(?(\w+)(?:, (\w+)\))? in", self.text)
        sections = ("parameters", "variables", "resources", "modules", "outputs")
        names = {name for section in sections for name in self.tree.get(section, {})}
        return names.union(*loops) - {""}

    @property
    def resources(self) -> Iterator[Resource]:
        """The resources it declares."""
        for symbol, told in self.tree.get("resources", {}).items():
            condition, body = unwrapped(told["config"])
            yield Resource(
                self, symbol, told["type"], told["api_version"], told["existing"], condition, body
            )

    @property
    def modules(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """The modules it calls: symbol, file, and the parameters given."""
        for symbol, told in self.tree.get("modules", {}).items():
            _, body = unwrapped(told["config"])
            yield symbol, told["detail"]["path"], body["params"]

    def variable(self, name: str) -> Tree:
        """Return what a variable is given."""
        return plain(self.tree["variables"][name]["value"])


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files that have to agree, wherever they lie."""

    root: Path

    @property
    def templates(self) -> list[Template]:
        """Every Bicep file."""
        paths = sorted((self.root / "infra").rglob("*.bicep"))
        return [self.template(path.relative_to(self.root / "infra").as_posix()) for path in paths]

    @property
    def resources(self) -> list[Resource]:
        """Every resource that is made, of all files."""
        return [r for template in self.templates for r in template.resources if not r.existing]

    def template(self, name: str) -> Template:
        """Return the Bicep file of that name below infra/."""
        path = self.root / "infra" / name
        text = path.read_text()
        return Template(path, text, parsed(text))

    def parameters(self) -> dict[str, dict[str, Any]]:
        """Return what each parameter file gives; its lines are read as variables."""
        given = {}
        for path in sorted((self.root / "infra").glob("*.bicepparam")):
            lines = re.sub(r"^using .*$", "", path.read_text(), flags=re.MULTILINE)
            tree = parsed(re.sub(r"^param ", "var parameter_", lines, flags=re.MULTILINE))
            given[path.name] = {
                name.removeprefix("parameter_"): plain(told["value"])
                for name, told in tree["variables"].items()
                if name.startswith("parameter_")
            }
        return given

    def text(self, name: str) -> str:
        """Return the text of a file."""
        return (self.root / name).read_text()

    def data(self, name: str) -> Tree:
        """Return the content of a JSON file."""
        return json.loads(self.text(name))


def unwrapped(config: Mapping[str, Any]) -> tuple[object, Mapping[str, Any]]:
    """Return the condition and the body of a declaration, whatever it is wrapped into."""
    condition = None
    while "config" in config and ("loop_type" in config or "condition" in config):
        condition = config.get("condition") or condition
        config = config["config"]
    return condition, plain(config)


def plain(value: Tree) -> Tree:
    """Return the tree with its keys as they are meant, without quotation marks."""
    if isinstance(value, dict):
        return {key.strip("'"): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


def branches(value: Tree) -> Iterator[Tree]:
    """Return both outcomes of a condition, or the value itself."""
    match value:
        case {"operator": {"type": "conditional", "operands": operands}}:
            yield from branches(operands["true_value"])
            yield from branches(operands["false_value"])
        case _:
            yield value


def is_open(value: Tree, symbols: set[str]) -> bool:
    """Tell whether only a deployment knows what the value is."""
    match value:
        case {"operator": {"operands": _}} | {"function": {"parameters": _}}:
            return True
        case str():
            return value in symbols or "${" in value
        case _:
            return False
