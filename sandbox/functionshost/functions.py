"""The indexed functions as typed values: each with its one trigger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.functionshost import protos
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.settings import Connection, Settings

AuthLevel = Literal["ANONYMOUS", "FUNCTION", "ADMIN"]
DataType = Literal["BINARY", "STRING", "UNDEFINED"]
type Properties = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """Calls the function for requests to a route; no methods given means all."""

    parameter: str
    route: str
    methods: frozenset[str]
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class ServiceBusTrigger:
    """Calls the function with messages of a queue, or of a topic's subscription."""

    parameter: str
    connection: Connection
    entity: str
    subscription: str | None
    many: bool
    sessions: bool
    data_type: DataType
    auto_complete: bool | None


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """Calls the function at the times of an NCRONTAB schedule; `use_monitor` None means default."""

    parameter: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool | None


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app; `bindings` as the worker declared them."""

    name: str
    id: str
    trigger: HttpTrigger | ServiceBusTrigger | TimerTrigger
    bindings: Sequence[Properties]
    retry: protos.RpcRetryOptions | None


def read_function(metadata: protos.RpcFunctionMetadata, settings: Settings) -> Function:
    """Read the bindings of an indexed function, with settings resolved.

    Raises:
        StartError: a setting is missing, or the function uses what this host does not offer.
    """
    name = metadata.name
    bindings: list[Properties] = [json.loads(text) for text in metadata.raw_bindings]
    triggers = [b for b in bindings if str(b["type"]).lower().endswith("trigger")]
    others = [b for b in bindings if b not in triggers and b["type"] != "http"]
    if others:
        kind = others[0]["type"]
        raise StartError(f"Function '{name}': bindings of type '{kind}' are not supported here.")
    if len(triggers) != 1:
        raise StartError(f"Function '{name}' has {len(triggers)} triggers; it must have one.")
    return Function(
        name=name,
        id=metadata.function_id,
        trigger=_trigger(_Binding(name, triggers[0], settings)),
        bindings=bindings,
        retry=metadata.retry_options,
    )


class _Binding:
    """The properties of one binding, resolved and checked."""

    def __init__(self, function: str, properties: Properties, settings: Settings) -> None:
        self.function = function
        self.properties = properties
        self.settings = settings

    def text(self, prop: str, default: str | None = None) -> str:
        value = self.properties.get(prop, default)
        if not isinstance(value, str):
            raise StartError(f"Function '{self.function}': the property '{prop}' is missing.")
        return self.settings.resolve(value, function=self.function, prop=prop)

    def flag(self, prop: str) -> bool | None:
        value = self.properties.get(prop)
        return None if value is None else str(value).lower() == "true"


def _trigger(binding: _Binding) -> HttpTrigger | ServiceBusTrigger | TimerTrigger:
    kind = binding.text("type")
    if kind == "httpTrigger":
        return _http(binding)
    if kind == "serviceBusTrigger":
        return _service_bus(binding)
    if kind == "timerTrigger":
        return TimerTrigger(
            parameter=binding.text("name"),
            schedule=binding.text("schedule"),
            run_on_startup=binding.flag("runOnStartup") or False,
            use_monitor=binding.flag("useMonitor"),
        )
    raise StartError(f"Function '{binding.function}': '{kind}' is not supported here.")


def _http(binding: _Binding) -> HttpTrigger:
    methods = binding.properties.get("methods") or ()
    if not isinstance(methods, Sequence):
        raise StartError(f"Function '{binding.function}': 'methods' must be a list.")
    level = binding.text("authLevel", "FUNCTION").upper()
    if level not in {"ANONYMOUS", "FUNCTION", "ADMIN"}:
        raise StartError(f"Function '{binding.function}': unknown auth level '{level}'.")
    return HttpTrigger(
        parameter=binding.text("name"),
        route=binding.text("route", binding.function),
        methods=frozenset(str(method).upper() for method in methods),
        auth_level=level,  # type: ignore[arg-type]  # narrowed by the check above
    )


def _service_bus(binding: _Binding) -> ServiceBusTrigger:
    data_type = binding.text("dataType", "UNDEFINED").upper()
    if data_type not in {"BINARY", "STRING", "UNDEFINED"}:
        raise StartError(f"Function '{binding.function}': no messages of type '{data_type}'.")
    if binding.properties.get("properties"):
        raise StartError(f"Function '{binding.function}': SDK-type bindings are not supported.")
    topic = "topicName" in binding.properties
    return ServiceBusTrigger(
        parameter=binding.text("name"),
        connection=binding.settings.connection(
            binding.text("connection", "AzureWebJobsServiceBus"), function=binding.function
        ),
        entity=binding.text("topicName" if topic else "queueName"),
        subscription=binding.text("subscriptionName") if topic else None,
        many=binding.text("cardinality", "ONE").upper() == "MANY",
        sessions=binding.flag("isSessionsEnabled") or False,
        data_type=data_type,  # type: ignore[arg-type]  # narrowed by the check above
        auto_complete=binding.flag("autoCompleteMessages"),
    )
