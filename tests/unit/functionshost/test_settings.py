"""Application settings and how triggers refer to them."""

import json
from pathlib import Path

import pytest

from sandbox.functionshost.errors import StartError
from sandbox.functionshost.settings import Connection, Settings, load_local_settings


def test_resolves_every_placeholder() -> None:
    settings = Settings({"A": "x", "B": "y"})
    assert settings.resolve("%A%-%B%-100", function="f", prop="queueName") == "x-y-100"


def test_a_missing_placeholder_names_function_property_and_setting() -> None:
    with pytest.raises(StartError) as caught:
        Settings({}).resolve("%QUEUE%", function="mail", prop="queueName")
    assert str(caught.value) == (
        "Function 'mail': the property 'queueName' refers to the setting 'QUEUE', which is not set."
    )


def test_an_empty_setting_is_a_missing_one() -> None:
    with pytest.raises(StartError):
        Settings({"QUEUE": ""}).resolve("%QUEUE%", function="mail", prop="queueName")


def test_a_connection_string_wins_over_an_identity() -> None:
    both = {"Bus": "Endpoint=sb://x/", "Bus__fullyQualifiedNamespace": "n.servicebus.windows.net"}
    assert Settings(both).connection("Bus", function="f") == Connection(
        connection_string="Endpoint=sb://x/"
    )


def test_an_identity_connection() -> None:
    values = {
        "Bus__fullyQualifiedNamespace": "n.servicebus.windows.net",
        "Bus__credential": "managedidentity",
        "Bus__clientId": "1234",
    }
    assert Settings(values).connection("Bus", function="f") == Connection(
        namespace="n.servicebus.windows.net", credential="managedidentity", client_id="1234"
    )


def test_a_missing_connection_names_both_settings() -> None:
    with pytest.raises(StartError, match=r"'mail'.*'Bus' nor 'Bus__fullyQualifiedNamespace'"):
        Settings({}).connection("Bus", function="mail")


@pytest.mark.parametrize(
    ("value", "disabled"), [("true", True), ("1", True), ("false", False), ("", False)]
)
def test_a_function_is_disabled_by_its_setting(value: str, *, disabled: bool) -> None:
    assert Settings({"AzureWebJobs.mail.Disabled": value}).disabled("mail") is disabled


def test_overrides_are_found_in_any_case() -> None:
    settings = Settings({"azurefunctionsjobhost__a__b": "1", "Other": "2"})
    assert settings.under("AzureFunctionsJobHost__") == {"a__b": "1"}


def _write(directory: Path, content: object) -> None:
    (directory / "local.settings.json").write_text(json.dumps(content))


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    _write(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}})
    environment = {"A": "environment"}
    load_local_settings(tmp_path, environment)
    assert environment == {"A": "environment", "B": "file"}


def test_no_local_settings_is_fine(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    load_local_settings(tmp_path, environment)
    assert environment == {}


@pytest.mark.parametrize(
    "content", [{"IsEncrypted": True, "Values": {"A": "x"}}, {"Values": {"A": 1}}, [1]]
)
def test_refuses_unusable_local_settings(tmp_path: Path, content: object) -> None:
    _write(tmp_path, content)
    with pytest.raises(StartError, match=r"local\.settings\.json"):
        load_local_settings(tmp_path, {})
