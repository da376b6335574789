"""host.json and its overrides."""

import json
import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.functionshost.errors import StartError
from sandbox.functionshost.hostjson import HostOptions, load_host_json, timespan


def _load(
    directory: Path, content: dict[str, object], overrides: dict[str, str] | None = None
) -> HostOptions:
    (directory / "host.json").write_text(json.dumps({"version": "2.0"} | content))
    return load_host_json(directory, overrides or {})


def test_defaults_are_those_of_the_extension(tmp_path: Path) -> None:
    options = _load(tmp_path, {})
    assert options.route_prefix == "api"
    assert options.function_timeout == timedelta(minutes=30)
    bus = options.service_bus
    assert (bus.max_message_batch_size, bus.max_concurrent_sessions) == (1000, 8)
    assert bus.max_concurrent_calls == 16 * (os.cpu_count() or 1)
    assert bus.session_idle_timeout == timedelta(minutes=1)
    assert bus.auto_complete_messages


def test_reads_what_it_acts_on(tmp_path: Path) -> None:
    options = _load(
        tmp_path,
        {
            "functionTimeout": "00:10:00",
            "extensions": {
                "http": {"routePrefix": "/v1/"},
                "serviceBus": {
                    "maxMessageBatchSize": 32,
                    "sessionIdleTimeout": "00:00:02",
                    "autoCompleteMessages": False,
                },
            },
        },
    )
    assert options.route_prefix == "v1"
    assert options.function_timeout == timedelta(minutes=10)
    assert options.service_bus.max_message_batch_size == 32
    assert options.service_bus.session_idle_timeout == timedelta(seconds=2)
    assert not options.service_bus.auto_complete_messages


def test_overrides_win_in_any_case(tmp_path: Path) -> None:
    options = _load(
        tmp_path,
        {"extensions": {"serviceBus": {"maxMessageBatchSize": 32}}},
        {
            "extensions__servicebus__MAXMESSAGEBATCHSIZE": "4",
            "extensions__http__routeprefix": "",
            "extensions:serviceBus:autoCompleteMessages": "False",
        },
    )
    assert options.service_bus.max_message_batch_size == 4
    assert options.route_prefix == ""
    assert not options.service_bus.auto_complete_messages


def test_an_unbounded_timeout(tmp_path: Path) -> None:
    assert _load(tmp_path, {"functionTimeout": "-1"}).function_timeout is None


def test_unknown_keys_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        _load(tmp_path, {"colour": 1, "extensions": {"serviceBus": {"messageHandlerOptions": {}}}})
    assert "'extensions.serviceBus.messageHandlerOptions' is ignored" in caplog.text
    assert "'colour' is ignored" in caplog.text


@pytest.mark.parametrize(
    ("bus", "complaint"),
    [
        ({"maxMessageBatchSize": 0}, "maxMessageBatchSize"),
        ({"maxMessageBatchSize": True}, "maxMessageBatchSize"),
        ({"maxMessageBatchSize": 4, "minMessageBatchSize": 5}, "minMessageBatchSize"),
        ({"maxBatchWaitTime": "00:02:31"}, "maxBatchWaitTime"),
        ({"maxBatchWaitTime": "soon"}, "maxBatchWaitTime"),
        ({"autoCompleteMessages": "maybe"}, "autoCompleteMessages"),
        ({"maxConcurrentCallsPerSession": 2}, "maxConcurrentCallsPerSession"),
        ({"enableCrossEntityTransactions": True}, "enableCrossEntityTransactions"),
    ],
)
def test_refuses_impossible_values(tmp_path: Path, bus: dict[str, object], complaint: str) -> None:
    with pytest.raises(StartError, match=complaint):
        _load(tmp_path, {"extensions": {"serviceBus": bus}})


def test_refuses_another_version(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="version"):
        _load(tmp_path, {"version": "1.0"})


def test_refuses_a_directory_without_one(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"no host\.json"):
        load_host_json(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("1.02:03:04.5", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("10:30", timedelta(hours=10, minutes=30)),
    ],
)
def test_time_spans(text: str, span: timedelta) -> None:
    assert timespan(text) == span


@pytest.mark.parametrize("text", ["5", "24:00:00", "00:60:00", "PT5M", "00:00:61"])
def test_refuses_what_is_no_time_span(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        timespan(text)
