"""The app's settings, read once from the environment and checked before anything starts."""

import base64
import binascii
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from shared.dataverse.readiness import NativeSync
from shared.errors import Misconfigured
from shared.sync.calendar.policy import CalendarPolicy, Ending
from shared.sync.contacts.field_file import read_fields
from shared.sync.contacts.fields import FIELDS, ContactField
from shared.sync.mail.policy import MailPolicy, PrivateMail
from shared.sync.tasks.policy import Fate, TaskPolicy
from shared.tracking.callers import Authentication
from shared.tracking.contract import Removal

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SHORTEST_KEY_BYTES = 32
_SCHEDULE_FIELDS = 6


def _service_url(value: str) -> str:
    """Accept https anywhere and http on this machine, as Graph's own client does."""
    url = urlsplit(value)
    secure = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
    if not (secure and url.netloc):
        raise ValueError("must be an https:// address")
    return value.rstrip("/")


def _keys(value: object) -> object:
    """Read `id:base64,id:base64`; the first signs, all verify, so that keys rotate."""
    if not isinstance(value, str):
        return value
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in value.split(","))):
        key_id, _, secret = entry.partition(":")
        if not (key_id.isalnum() and len(key_id) <= 8):
            # Not shown: without its id in front, it is the key that stands in the id's place.
            raise ValueError(
                "a key id must be 1 to 8 letters and digits; write id:base64,id:base64"
            )
        try:
            keys[key_id] = base64.b64decode(secret, validate=True)
        except binascii.Error as error:
            raise ValueError(f"key '{key_id}' is not base64; write id:base64,id:base64") from error
        if len(keys[key_id]) < _SHORTEST_KEY_BYTES:
            raise ValueError(f"key '{key_id}' is shorter than {_SHORTEST_KEY_BYTES} bytes")
    if not keys:
        raise ValueError("needs at least one key, written id:base64")
    return keys


def _schedule(value: str) -> str:
    """Accept what looks like NCRONTAB; the Functions host reads it."""
    if len(value.split()) != _SCHEDULE_FIELDS:
        raise ValueError("must be an NCRONTAB schedule of six fields, seconds first")
    return value


def _audience(value: str) -> str:
    """Accept what ends in a client id: tokens of version 2 are meant for that alone."""
    try:
        client_id = str(UUID(value.rpartition("/")[2]))
    except ValueError:
        client_id = ""
    if not client_id or not value.endswith(client_id):
        raise ValueError("must end in the API's client id in lower case, e.g. api://<client id>")
    return value


def _insights(value: str | None) -> str | None:
    """Accept what names a resource; shows nothing of it, for it holds a key."""
    if value is None:
        return None
    named = dict(part.strip().split("=", 1) for part in value.split(";") if "=" in part)
    try:
        UUID(named.get("InstrumentationKey", ""))
    except ValueError:
        raise ValueError("must be InstrumentationKey=<guid>;IngestionEndpoint=<url>") from None
    return value


ServiceUrl = Annotated[str, AfterValidator(_service_url)]


class Settings(BaseModel):
    """What the app must be told; every name is the app setting's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tenant_id: UUID = Field(alias="TENANT_ID")
    dataverse_url: ServiceUrl = Field(alias="DATAVERSE_URL")
    graph_endpoint: ServiceUrl = Field("https://graph.microsoft.com", alias="GRAPH_ENDPOINT")
    webhook_base_url: ServiceUrl = Field(alias="WEBHOOK_BASE_URL")
    client_state_keys: Annotated[dict[str, bytes], BeforeValidator(_keys)] = Field(
        alias="CLIENT_STATE_KEYS", repr=False
    )
    managed_identity_client_id: str | None = Field(None, alias="AZURE_CLIENT_ID")
    meeting_days_ahead: int = Field(365, alias="MEETING_DAYS_AHEAD", ge=1, le=1095)
    meeting_deleted_by_organizer: Ending = Field(
        Ending.DELETE, alias="MEETING_DELETED_BY_ORGANIZER"
    )
    meeting_deleted_by_attendee: Ending = Field(Ending.KEEP, alias="MEETING_DELETED_BY_ATTENDEE")
    meeting_canceled: Ending = Field(Ending.CANCEL, alias="MEETING_CANCELED")
    meeting_touch_past: bool = Field(False, alias="MEETING_TOUCH_PAST")
    meeting_touch_completed: bool = Field(False, alias="MEETING_TOUCH_COMPLETED")
    contact_fields: Annotated[tuple[ContactField, ...], PlainValidator(read_fields)] = Field(
        FIELDS, alias="CONTACT_FIELDS_FILE"
    )
    removal: Removal = Field(Removal.DELETE, alias="REMOVAL")
    private_mail: PrivateMail = Field(PrivateMail.MANUAL, alias="PRIVATE_MAIL")
    attachments: bool = Field(False, alias="ATTACHMENTS")
    task_deleted: Fate = Field(Fate.DELETE, alias="TASK_DELETED")
    tasks_polling_schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        "0 * * * * *", alias="TASKS_POLLING_SCHEDULE"
    )
    tasks_subscriptions: bool = Field(False, alias="TASKS_SUBSCRIPTIONS")
    api_authentication: Authentication = Field(Authentication.TOKEN, alias="API_AUTHENTICATION")
    api_audience: Annotated[str, AfterValidator(_audience)] | None = Field(
        None, alias="API_AUDIENCE"
    )
    api_administrator_role: str = Field("Tether.Administrator", alias="API_ADMINISTRATOR_ROLE")
    login_endpoint: ServiceUrl = Field("https://login.microsoftonline.com", alias="LOGIN_ENDPOINT")
    behind_app_service_authentication: bool = Field(False, alias="WEBSITE_AUTH_ENABLED")
    insights: Annotated[str | None, AfterValidator(_insights)] = Field(
        None, alias="APPLICATIONINSIGHTS_CONNECTION_STRING", repr=False
    )
    otlp_endpoint: ServiceUrl | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    telemetry: Literal["console"] | None = Field(None, alias="TELEMETRY")
    traces_sampled: float = Field(1.0, alias="OTEL_TRACES_SAMPLER_ARG", ge=0, le=1)
    native_sync: NativeSync = Field(NativeSync.BESIDE, alias="NATIVE_SYNC")
    sellers_may_enable: bool = Field(True, alias="SELLERS_MAY_ENABLE")
    servicebus_connection_string: str | None = Field(None, alias="ServiceBusConnection", repr=False)
    servicebus_namespace: str | None = Field(
        None, alias="ServiceBusConnection__fullyQualifiedNamespace"
    )

    @property
    def tenant(self) -> str:
        """The tenant id as Graph writes it: lower case."""
        return str(self.tenant_id)

    @property
    def is_watched(self) -> bool:
        """Whether metrics and traces go anywhere."""
        return bool(self.insights or self.otlp_endpoint or self.telemetry)

    @property
    def calendar_policy(self) -> CalendarPolicy:
        """What the organisation has decided about meetings."""
        return CalendarPolicy(
            ahead=timedelta(days=self.meeting_days_ahead),
            deleted_by_organizer=self.meeting_deleted_by_organizer,
            deleted_by_attendee=self.meeting_deleted_by_attendee,
            canceled=self.meeting_canceled,
            touch_past=self.meeting_touch_past,
            touch_completed=self.meeting_touch_completed,
            attachments=self.attachments,
        )

    @property
    def mail_policy(self) -> MailPolicy:
        """What the organisation has decided about mail."""
        return MailPolicy(private=self.private_mail, attachments=self.attachments)

    @property
    def task_policy(self) -> TaskPolicy:
        """What the organisation has decided about tasks."""
        return TaskPolicy(deleted=self.task_deleted)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in `environment`.

    Raises:
        Misconfigured: one sentence that names every setting that is missing or wrong.
    """
    try:
        settings = Settings.model_validate({k: v for k, v in environment.items() if v})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {_plain(problem['msg'])}"
            for problem in error.errors()
        )
        raise Misconfigured(f"Tether cannot start, check these app settings: {problems}.") from None
    if not (settings.servicebus_connection_string or settings.servicebus_namespace):
        raise Misconfigured(
            "Tether cannot start, check these app settings:"
            " ServiceBusConnection__fullyQualifiedNamespace: missing, set it to"
            " <namespace>.servicebus.windows.net."
        )
    return settings


def _plain(message: str) -> str:
    """Say what pydantic says in an administrator's words."""
    return message.removeprefix("Value error, ").replace("Field required", "missing, set it")
