"""host.json, with the overrides that application settings may give."""

import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sandbox.functionshost.errors import StartError

_log = logging.getLogger(__name__)
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")
_ROOT_KEYS = {
    "$schema", "aggregator", "concurrency", "customHandler", "extensionBundle", "extensions",
    "functionTimeout", "functions", "healthMonitor", "http", "logging", "managedDependency",
    "retry", "singleton", "telemetryMode", "version", "watchDirectories", "watchFiles",
}  # fmt: skip
# Known to the extension, without effect in this host.
_INERT_SERVICE_BUS = {"clientRetryOptions", "transportType", "webProxy"}


def timespan(text: str) -> timedelta:
    """Read a .NET TimeSpan such as `00:05:00` or `1.12:30:00.5`.

    Raises:
        ValueError: it is not one.
    """
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a time span (hh:mm:ss)")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"'{text}' is not a time span (hh:mm:ss)")
    fraction = float(f"0.{match[5] or 0}")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + fraction)


@dataclass(frozen=True, slots=True)
class ServiceBusOptions:
    """`extensions.serviceBus`, with the defaults of extension 5.x (service-bus.md 3)."""

    max_message_batch_size: int = 1000
    min_message_batch_size: int = 1
    max_batch_wait_time: timedelta = timedelta(seconds=30)
    max_concurrent_calls: int = 16 * (os.cpu_count() or 1)
    max_concurrent_sessions: int = 8
    max_concurrent_calls_per_session: int = 1
    session_idle_timeout: timedelta = timedelta(minutes=1)
    prefetch_count: int = 0
    auto_complete_messages: bool = True
    max_auto_lock_renewal_duration: timedelta = timedelta(minutes=5)
    enable_cross_entity_transactions: bool = False


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What host.json says that this host acts on."""

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    service_bus: ServiceBusOptions = field(default_factory=ServiceBusOptions)


def load_host_json(app_directory: Path, overrides: Mapping[str, str]) -> HostOptions:
    """Read host.json and apply `AzureFunctionsJobHost__a__b` settings, given as `{"a__b": value}`.

    Unknown keys are logged and ignored, as the real host does.

    Raises:
        StartError: the file is missing, is not version 2.0, or holds an impossible value.
    """
    path = app_directory / "host.json"
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise StartError(f"{app_directory} holds no host.json.") from error
    except ValueError as error:
        raise StartError(f"host.json is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("version") != "2.0":
        raise StartError("host.json must be an object whose 'version' is \"2.0\".")
    for name, value in overrides.items():
        _override(content, re.split("__|:", name), value)
    for key in content.keys() - _ROOT_KEYS:
        _log.warning("host.json: unknown key '%s' is ignored", key)
    return _options(content)


def _options(content: Mapping[str, object]) -> HostOptions:
    extensions = _section(content, "extensions")
    prefix = _section(extensions, "http").get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise StartError("host.json: 'extensions.http.routePrefix' must be a string.")
    return HostOptions(
        route_prefix=prefix.strip("/"),
        function_timeout=_function_timeout(content.get("functionTimeout", "00:30:00")),
        service_bus=_service_bus(_section(extensions, "serviceBus")),
    )


def _function_timeout(value: object) -> timedelta | None:
    return None if value == "-1" else _time_of("functionTimeout", value)


def _service_bus(section: Mapping[str, object]) -> ServiceBusOptions:
    values: dict[str, object] = {}
    for key, value in section.items():
        if key in _SERVICE_BUS:
            name, read = _SERVICE_BUS[key]
            values[name] = read(key, value)
        elif key not in _INERT_SERVICE_BUS:
            _log.warning("host.json: unknown key 'extensions.serviceBus.%s' is ignored", key)
    options = ServiceBusOptions(**values)  # type: ignore[arg-type]  # typed by the readers below
    if not 1 <= options.min_message_batch_size <= options.max_message_batch_size:
        raise StartError("host.json: minMessageBatchSize must be from 1 to maxMessageBatchSize.")
    if options.max_batch_wait_time > timedelta(seconds=150):
        raise StartError("host.json: maxBatchWaitTime must be at most 00:02:30.")
    if options.max_concurrent_calls_per_session != 1:
        raise StartError("host.json: maxConcurrentCallsPerSession above 1 is not supported here.")
    if options.enable_cross_entity_transactions:
        raise StartError("host.json: enableCrossEntityTransactions is not supported here.")
    return options


def _count_of(key: str, value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    smallest = 0 if key == "prefetchCount" else 1
    if isinstance(number, bool) or not isinstance(number, int) or number < smallest:
        raise StartError(f"host.json: '{key}' must be a whole number from {smallest}, not {value}.")
    return number


def _flag_of(key: str, value: object) -> bool:
    flag = {"true": True, "false": False}.get(str(value).lower())
    if flag is None:
        raise StartError(f"host.json: '{key}' must be true or false, not {value}.")
    return flag


def _time_of(key: str, value: object) -> timedelta:
    try:
        return timespan(str(value))
    except ValueError as error:
        raise StartError(f"host.json: '{key}': {error}.") from error


_SERVICE_BUS: Mapping[str, tuple[str, Callable[[str, object], object]]] = {
    "maxMessageBatchSize": ("max_message_batch_size", _count_of),
    "minMessageBatchSize": ("min_message_batch_size", _count_of),
    "maxBatchWaitTime": ("max_batch_wait_time", _time_of),
    "maxConcurrentCalls": ("max_concurrent_calls", _count_of),
    "maxConcurrentSessions": ("max_concurrent_sessions", _count_of),
    "maxConcurrentCallsPerSession": ("max_concurrent_calls_per_session", _count_of),
    "sessionIdleTimeout": ("session_idle_timeout", _time_of),
    "prefetchCount": ("prefetch_count", _count_of),
    "autoCompleteMessages": ("auto_complete_messages", _flag_of),
    "maxAutoLockRenewalDuration": ("max_auto_lock_renewal_duration", _time_of),
    "enableCrossEntityTransactions": ("enable_cross_entity_transactions", _flag_of),
}


def _section(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise StartError(f"host.json: '{name}' must be an object.")
    return section


def _override(content: dict[str, object], path: list[str], value: str) -> None:
    """Set the value at a path; names match in any case, as .NET configuration does."""
    name = next((key for key in content if key.lower() == path[0].lower()), path[0])
    if len(path) == 1:
        content[_KNOWN_NAMES.get(name.lower(), name)] = value
        return
    inner = content.setdefault(_KNOWN_NAMES.get(name.lower(), name), {})
    if not isinstance(inner, dict):
        raise StartError(f"host.json: '{name}' must be an object.")
    _override(inner, path[1:], value)


_KNOWN_NAMES = {
    name.lower(): name
    for name in (*_ROOT_KEYS, *_SERVICE_BUS, *_INERT_SERVICE_BUS, "serviceBus", "routePrefix")
}
