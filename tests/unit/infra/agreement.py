"""What Bicep and Python must both say; each check returns what does not agree."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from tests.unit.infra import python_side
from tests.unit.infra.templates import Checkout

Check = Callable[[Checkout], list[str]]

# What the Functions platform itself reads; all else in the templates is the app's (functions.md 8).
PLATFORM = re.compile(r"(AzureWebJobsStorage|ServiceBusConnection)__\w+|APPLICATIONINSIGHTS_\w+")
# Of Service Bus's own metrics, those the alerts may name.
BUS_METRICS = {"ActiveMessages", "DeadletteredMessages", "ThrottledRequests"}
QUEUE_PROPERTY = re.compile(
    r"lockDuration|duplicateDetection|requiresSession|maxDeliveryCount|deadLetteringOnMessage"
)
_ATTRIBUTE = re.compile(r"Properties\['([^']+)'\]")
_STATUS_CLASS = re.compile(r"[2-5]xx")
_duration = TypeAdapter(timedelta)


def queues(checkout: Checkout) -> list[str]:
    """Every consumed queue is made, and every queue made is consumed, but the parking place."""
    made = set(checkout.data("infra/queues.json"))
    consumed = {t.queue for t in python_side.triggers(checkout.root) if t.queue} | {"parked"}
    return [
        *(f"the queue '{name}' is consumed and not made" for name in sorted(consumed - made)),
        *(f"the queue '{name}' is made and not consumed" for name in sorted(made - consumed)),
    ]


def queues_come_from_their_file(checkout: Checkout) -> list[str]:
    """queues.json is what is deployed, whole, and no template says it again."""
    template = checkout.template("modules/servicebus.bicep")
    told = template.variable("queues")
    problems = [
        f"{each.path.name} says a queue's property itself: {found[0]}"
        for each in checkout.templates
        if (found := QUEUE_PROPERTY.findall(each.text))
    ]
    if told != {"function": {"type": "load_json_content", "parameters": told_file()}}:
        problems.append("the queues do not come from queues.json")
    made = [r for r in template.resources if r.type.endswith("/queues")]
    for entry, part in (("name", "key"), ("properties", "value")):
        if [r.at(f"{entry}.operator.operands.operand_2") for r in made] != [part]:
            problems.append(f"a queue's {entry} is not what queues.json says")
    return problems


def told_file() -> dict[str, str | None]:
    """Return how the parser tells that queues.json is loaded."""
    return {"file_path": "../queues.json", "json_path": None, "encoding": None}


def queue_times(checkout: Checkout) -> list[str]:
    """A copy is recognised for as long as a function may take; locks last as the host renews."""
    host = checkout.data("host.json")
    longest = _duration.validate_python(host["functionTimeout"])
    renewal = _duration.validate_python(
        host["extensions"]["serviceBus"]["maxAutoLockRenewalDuration"]
    )
    problems = []
    for name, queue in checkout.data("infra/queues.json").items():
        window = _duration.validate_python(queue["duplicateDetectionHistoryTimeWindow"])
        if not queue["requiresDuplicateDetection"]:
            problems.append(f"'{name}' does not detect duplicates")
        if window != longest:
            problems.append(f"'{name}' knows copies for {window}, a function may take {longest}")
        if _duration.validate_python(queue["lockDuration"]) != renewal:
            problems.append(f"'{name}' is locked for another time than the host renews locks")
        if queue["maxDeliveryCount"] < 100:
            problems.append(f"'{name}' dead-letters what the app means to count itself")
    return problems


def settings(checkout: Checkout) -> list[str]:
    """The templates set what the app requires, and nothing it does not know."""
    known = python_side.settings(checkout.root)
    given = set(checkout.template("modules/function.bicep").variable("required"))
    needed = {name for name, required in known.items() if required} | {"AZURE_CLIENT_ID"}
    for trigger in python_side.triggers(checkout.root):
        if trigger.connection:
            parts = ("fullyQualifiedNamespace", "credential", "clientId")
            needed |= {f"{trigger.connection}__{part}" for part in parts}
    unknown = {name for name in given if name not in known and not PLATFORM.fullmatch(name)}
    more = {
        name for file in checkout.parameters().values() for name in file.get("appSettings", {})
    } - {"function"}
    return [
        *(f"the setting {name} is not set" for name in sorted(needed - given)),
        *(f"the app knows no setting {name}" for name in sorted(unknown | (more - known.keys()))),
    ]


def keys_are_a_reference(checkout: Checkout) -> list[str]:
    """CLIENT_STATE_KEYS points into the vault, at the secret the script keeps."""
    told = checkout.template("modules/function.bicep").variable("required")["CLIENT_STATE_KEYS"]
    given = {s: params for s, _, params in checkout.template("main.bicep").modules}
    reference = given["functionApp"].get(told, "")
    script = checkout.text("infra/rotate-client-state-key")
    kept = re.search(r"^secret=([\w-]+)$", script, re.MULTILINE)
    expected = (
        "@Microsoft.KeyVault(SecretUri=${keyVault.outputs.uri}secrets/"
        f"{kept[1] if kept else None}/)"
    )
    return [] if reference == expected else [f"CLIENT_STATE_KEYS is {reference!r}"]


def functions_named(checkout: Checkout) -> list[str]:
    """Always-ready entries name functions that are there, by themselves or as the HTTP group."""
    functions = {t.function: t.kind for t in python_side.triggers(checkout.root)}
    main = checkout.template("main.bicep").tree["parameters"]["alwaysReady"]["default"]
    named = {"main.bicep": {entry["name"] for entry in main}}
    for file, given in checkout.parameters().items():
        entries: Any = given.get("alwaysReady", [])
        named[file] = {entry["name"] for entry in entries if isinstance(entry, dict)}
    wrong = {
        (file, name)
        for file, names in named.items()
        for name in names
        if name != "http" and functions.get(name.removeprefix("function:"), "route") == "route"
    }
    return [f"{file} keeps '{name}' ready, which scales by no such name" for file, name in wrong]


def rights(checkout: Checkout) -> list[str]:
    """The app sends to every queue and receives from those it consumes, and no other."""
    table = checkout.template("modules/rbac.bicep").variable("assignments")
    made = set(checkout.data("infra/queues.json"))
    consumed = {t.queue for t in python_side.triggers(checkout.root) if t.queue}
    expected = {("app", "Azure Service Bus Data Sender", queue) for queue in made}
    expected |= {("app", "Azure Service Bus Data Receiver", queue) for queue in consumed}
    expected |= {("operators", "Azure Service Bus Data Sender", queue) for queue in consumed}
    expected |= {("operators", "Azure Service Bus Data Receiver", "parked")}
    given = {(one["who"], one["role"], one["on"]) for one in table if "Service Bus" in one["role"]}
    return [
        *(f"missing right: {' '.join(one)}" for one in sorted(expected - given)),
        *(f"needless right: {' '.join(one)}" for one in sorted(given - expected)),
    ]


def graph_roles(checkout: Checkout) -> list[str]:
    """The permissions granted are those the README names; the script scopes the mailbox ones."""
    template = checkout.template("modules/graph.bicep")
    mailbox, tenant = (set(template.variable(name)) for name in ("mailboxRoles", "tenantRoles"))
    told = python_side.graph_permissions(checkout.root)
    scoped = set(re.findall(r"'Application ([\w.]+)'", checkout.text("infra/scope-mailboxes.ps1")))
    return [
        *(f"granted, and not in the README: {name}" for name in sorted((mailbox | tenant) - told)),
        *(f"in the README, and not granted: {name}" for name in sorted(told - mailbox - tenant)),
        *(f"scoped on one side only: {name}" for name in sorted(scoped ^ mailbox)),
    ]


def watched(checkout: Checkout) -> list[str]:
    """Alerts and workbook name only metrics that are emitted, functions and queues that exist."""
    emitted = python_side.metrics(checkout.root)
    made_here = python_side.instruments(checkout.root)
    functions = {t.function for t in python_side.triggers(checkout.root)}
    code = "".join(p.read_text() for d in ("shared", "functions") for p in _python(checkout, d))
    problems = [f"the table of metrics is wrong about {one}" for one in emitted.keys() ^ made_here]
    for where, query in _queries(checkout):
        asked = set(_ATTRIBUTE.findall(query))
        named = set(re.findall(r"'(tether\.[\w.]+)'", _ATTRIBUTE.sub("", query)))
        problems += [f"{where}: nobody emits {name}" for name in sorted(named - emitted.keys())]
        for group in re.findall(r"OperationName in \(([^)]*)\)", query):
            unknown = set(re.findall(r"'(\w+)'", group)) - functions
            problems += [f"{where}: there is no function {name}" for name in sorted(unknown)]
        known = {attribute for name in named & emitted.keys() for attribute in emitted[name]}
        problems += [f"{where}: none of its metrics has a {one}" for one in sorted(asked - known)]
        for value in _values_asked_for(query):
            if f'"{value}"' not in code and not _STATUS_CLASS.fullmatch(value):
                problems.append(f"{where}: no attribute is ever '{value}'")
        if not re.match(r"(AppMetrics|AppRequests)\n", query):
            problems.append(f"{where}: reads an unknown table")
        if query.startswith("AppMetrics") and not named:
            problems.append(f"{where}: names no metric")
    made = set(checkout.data("infra/queues.json"))
    for alert in checkout.data("infra/alerts.json")["metrics"]:
        if alert["metric"] not in BUS_METRICS:
            problems.append(f"{alert['name']}: Service Bus has no metric {alert['metric']}")
        for dimension in alert["dimensions"]:
            unknown = set(dimension["values"]) - made
            problems += [f"{alert['name']}: there is no queue {name}" for name in sorted(unknown)]
    return problems


def _values_asked_for(query: str) -> set[str]:
    """Return what a query compares attributes with."""
    given = dict(re.findall(r"(\w+) = tostring\(Properties\['([^']+)'\]\)", query))
    attribute = "|".join([r"tostring\(Properties\['[^']+'\]\)", *(rf"\b{one}" for one in given)])
    found = re.findall(rf"(?:{attribute}) (?:==|in) (\([^)]*\)|'[^']*')", query)
    return {value for one in found for value in re.findall(r"'([^']*)'", one)}


def _python(checkout: Checkout, folder: str) -> Iterator[Any]:
    return (checkout.root / folder).rglob("*.py")


def _queries(checkout: Checkout) -> Iterator[tuple[str, str]]:
    for alert in checkout.data("infra/alerts.json")["queries"]:
        yield alert["name"], "\n".join(alert["query"])
    for item in checkout.data("infra/workbook.json")["items"]:
        if "query" in item["content"]:
            yield f"workbook {item['name']}", item["content"]["query"]


CHECKS: tuple[Check, ...] = (
    queues,
    queues_come_from_their_file,
    queue_times,
    settings,
    keys_are_a_reference,
    functions_named,
    rights,
    graph_roles,
    watched,
)
