"""Every setting that is missing or wrong is named, with its remedy, in one sentence."""

import base64
from collections.abc import Mapping

import pytest

from shared.config import read_settings
from shared.errors import Misconfigured
from shared.sync.mail.policy import MailPolicy, PrivateMail
from shared.sync.tasks.policy import Fate, TaskPolicy

SECRET = bytes(range(32))
KEY = base64.b64encode(SECRET).decode()
INSIGHTS_KEY = "0c0ffee0-0000-4000-8000-000000000001"
CONNECTION = "Endpoint=sb://x.servicebus.windows.net;SharedAccessKey=verysecret"
CLIENT = "0a1b2c3d-7f4e-4d5e-9a60-0c0ffee00002"
GOOD = {
    "TENANT_ID": "3F9D8C11-7F4E-4D5E-9A60-0C0FFEE00001",
    "DATAVERSE_URL": "https://contoso.crm.dynamics.com/",
    "WEBHOOK_BASE_URL": "https://tether.azurewebsites.net",
    "CLIENT_STATE_KEYS": f"k1:{KEY}",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}


def complaint(settings: Mapping[str, str]) -> str:
    with pytest.raises(Misconfigured) as refused:
        read_settings(settings)
    text = str(refused.value)
    assert text.startswith("Tether cannot start, check these app settings: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_good_settings_are_read() -> None:
    settings = read_settings({**GOOD, "PATH": "/bin"})
    assert settings.tenant == "3f9d8c11-7f4e-4d5e-9a60-0c0ffee00001"
    assert settings.dataverse_url == "https://contoso.crm.dynamics.com"
    assert settings.graph_endpoint == "https://graph.microsoft.com"
    assert settings.client_state_keys == {"k1": SECRET}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("absent", [True, False])
def test_a_missing_or_empty_setting_is_named(name: str, *, absent: bool) -> None:
    settings = {key: value for key, value in GOOD.items() if key != name}
    if not absent:
        settings[name] = ""
    assert f"{name}: missing, set it" in complaint(settings)


def test_every_missing_setting_is_named_at_once() -> None:
    text = complaint({})
    assert all(name in text for name in list(GOOD)[:4])


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TENANT_ID", "contoso", "UUID"),
        ("DATAVERSE_URL", "contoso.crm.dynamics.com", "must be an https:// address"),
        ("DATAVERSE_URL", "http://contoso.crm.dynamics.com", "must be an https:// address"),
        ("WEBHOOK_BASE_URL", "https://", "must be an https:// address"),
        ("GRAPH_ENDPOINT", "ftp://graph.microsoft.com", "must be an https:// address"),
        ("CLIENT_STATE_KEYS", "k1:not base64!", "key 'k1' is not base64"),
        ("CLIENT_STATE_KEYS", KEY, "a key id must be 1 to 8 letters and digits"),
        ("CLIENT_STATE_KEYS", f"k.1:{KEY}", "a key id must be 1 to 8 letters and digits"),
        ("CLIENT_STATE_KEYS", f"k23456789:{KEY}", "must be 1 to 8 letters and digits"),
        ("CLIENT_STATE_KEYS", f":{KEY}", "must be 1 to 8 letters and digits"),
        ("CLIENT_STATE_KEYS", "k1:c2hvcnQ=", "key 'k1' is shorter than 32 bytes"),
        ("CLIENT_STATE_KEYS", " , ", "needs at least one key"),
        ("TASK_DELETED", "cancel", "'delete' or 'keep'"),
        ("TASKS_POLLING_SCHEDULE", "every minute", "NCRONTAB schedule of six fields"),
        ("TASKS_SUBSCRIPTIONS", "perhaps", "valid boolean"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", INSIGHTS_KEY, "must be InstrumentationKey="),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "must be an https:// address"),
        ("OTEL_TRACES_SAMPLER_ARG", "2", "less than or equal to 1"),
        ("TELEMETRY", "file", "'console'"),
        ("API_AUTHENTICATION", "none", "'token' or 'appservice'"),
        ("API_AUDIENCE", "api://tether", "must end in the API's client id"),
        ("API_AUDIENCE", f"api://{CLIENT.upper()}", "must end in the API's client id"),
        ("LOGIN_ENDPOINT", "http://login.example", "must be an https:// address"),
        ("ATTACHMENTS", "some", "valid boolean"),
        ("PRIVATE_MAIL", "secret", "'manual', 'automatic' or 'never'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_problem(name: str, value: str, problem: str) -> None:
    text = complaint({**GOOD, name: value})
    assert f"{name}: " in text
    assert problem in text


def test_tasks_are_polled_every_minute_and_rows_go_with_them_unless_told_otherwise() -> None:
    usual = read_settings(GOOD)
    assert usual.task_policy == TaskPolicy(Fate.DELETE)
    assert usual.tasks_polling_schedule == "0 * * * * *"
    chosen = {"TASK_DELETED": "keep", "TASKS_POLLING_SCHEDULE": "30 */5 * * * *"}
    told = read_settings({**GOOD, **chosen})
    assert told.task_policy == TaskPolicy(Fate.KEEP)
    assert told.tasks_polling_schedule == "30 */5 * * * *"


@pytest.mark.parametrize(
    ("said", "told"), [(None, False), ("", False), ("false", False), ("true", True), ("True", True)]
)
def test_lists_are_subscribed_to_only_where_that_is_said(said: str | None, *, told: bool) -> None:
    chosen = {} if said is None else {"TASKS_SUBSCRIPTIONS": said}
    assert read_settings({**GOOD, **chosen}).tasks_subscriptions is told


@pytest.mark.parametrize(
    "audience", [CLIENT, f"api://{CLIENT}", f"api://addin.contoso.com/{CLIENT}"]
)
def test_the_api_is_named_by_its_uri_or_its_client_id(audience: str) -> None:
    assert read_settings({**GOOD, "API_AUDIENCE": audience}).api_audience == audience


def test_attachments_stay_and_private_mail_is_left_to_people_unless_told_otherwise() -> None:
    usual = read_settings(GOOD)
    assert usual.mail_policy == MailPolicy(PrivateMail.MANUAL, attachments=False)
    assert not usual.calendar_policy.attachments
    told = read_settings({**GOOD, "ATTACHMENTS": "on", "PRIVATE_MAIL": "never"})
    assert told.mail_policy == MailPolicy(PrivateMail.NEVER, attachments=True)
    assert told.calendar_policy.attachments
    assert not read_settings({**GOOD, "ATTACHMENTS": "off"}).mail_policy.attachments


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_is_taken_on_this_machine_alone(host: str) -> None:
    settings = read_settings({**GOOD, "DATAVERSE_URL": f"http://{host}:8080"})
    assert settings.dataverse_url == f"http://{host}:8080"


def test_keys_are_read_in_order_so_that_the_first_seals() -> None:
    newer = base64.b64encode(bytes(32)).decode()
    settings = read_settings({**GOOD, "CLIENT_STATE_KEYS": f"k2:{newer}, k1:{KEY},"})
    assert list(settings.client_state_keys) == ["k2", "k1"]


def test_secrets_do_not_show() -> None:
    shown = repr(read_settings({**GOOD, "ServiceBusConnection": CONNECTION}))
    assert "verysecret" not in shown
    assert repr(SECRET) not in shown
    assert KEY not in shown
    connection = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={INSIGHTS_KEY}"}
    assert INSIGHTS_KEY not in repr(read_settings({**GOOD, **connection}))


@pytest.mark.parametrize("written", [KEY, f"{'k' * 9}:{KEY}", f"{KEY}:k1", f"k1:{KEY},{KEY}"])
def test_a_refusal_does_not_tell_the_key(written: str) -> None:
    assert KEY.rstrip("=") not in complaint({**GOOD, "CLIENT_STATE_KEYS": written})


def test_a_refusal_does_not_tell_the_connection_string() -> None:
    wrong = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"Key={INSIGHTS_KEY};Endpoint=x"}
    assert INSIGHTS_KEY not in complaint({**GOOD, **wrong})


@pytest.mark.parametrize(
    ("settings", "watched"),
    [
        ({}, False),
        ({"TELEMETRY": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={INSIGHTS_KEY}"}, True),
    ],
)
def test_somebody_watches_if_there_is_somewhere_to_export_to(
    settings: dict[str, str], *, watched: bool
) -> None:
    assert read_settings({**GOOD, **settings}).is_watched is watched
