"""Each misconfiguration, and the one finding it must give: the check, how bad, the remedy."""

from dataclasses import dataclass

from tests.contract.cli.conftest import KEY
from tests.contract.cli.plants import (
    Plant,
    bus,
    column_gone,
    error_open,
    fault,
    newer_solution,
    no_roles_in_dynamics,
    no_user,
    not_approved,
    not_enrolled,
    only_administrator,
    other_versions,
    role_bent,
    row,
    setting,
    skewed,
    something_parked,
    subscription_lost,
    view_gone,
    webhook,
    without,
)


@dataclass(frozen=True)
class Trouble:
    """A misconfiguration and its finding; texts are parts of what is said."""

    name: str
    plant: Plant
    check: str
    outcome: str
    message: str
    remedy: str


SECRET = KEY.partition(":")[2]
OTHER_TENANT = "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90"
NOWHERE = (
    "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=Yg==;"
    "UseDevelopmentEmulator=true"
)
ADA = "mailbox ada@contoso.example"
TROUBLES = (
    Trouble(
        "no tenant",
        setting("TENANT_ID", ""),
        "settings",
        "failed",
        "TENANT_ID: missing",
        "app's settings",
    ),
    Trouble(
        "http webhook",
        setting("WEBHOOK_BASE_URL", "http://contoso.example"),
        "settings",
        "failed",
        "WEBHOOK_BASE_URL: must be an https:// address",
        "app's settings",
    ),
    Trouble(
        "short key",
        setting("CLIENT_STATE_KEYS", "k1:c2hvcnQ="),
        "settings",
        "failed",
        "shorter than 32 bytes",
        "app's settings",
    ),
    Trouble(
        "no bus",
        setting("ServiceBusConnection", ""),
        "settings",
        "failed",
        "fullyQualifiedNamespace",
        "app's settings",
    ),
    Trouble(
        "weak key",
        setting("CLIENT_STATE_KEYS", f"k1:{'A' * 43}="),
        "client state keys",
        "failed",
        "not random",
        "openssl rand",
    ),
    Trouble(
        "same key twice",
        setting("CLIENT_STATE_KEYS", f"k1:{SECRET},k0:{SECRET}"),
        "client state keys",
        "warning",
        "the same key",
        "new key first",
    ),
    Trouble("other versions", other_versions, "versions", "warning", "azure-core", "make setup"),
    Trouble("clock off", skewed(minutes=2), "clock", "warning", "ahead of Graph", "synchronize"),
    Trouble(
        "clock far off", skewed(minutes=-10), "clock", "failed", "tokens are refused", "synchronize"
    ),
    Trouble(
        "wrong identity header",
        setting("IDENTITY_HEADER", "wrong"),
        "identity",
        "failed",
        "no token",
        "managed identity",
    ),
    Trouble(
        "unknown identity",
        setting("AZURE_CLIENT_ID", OTHER_TENANT),
        "identity",
        "failed",
        "no token",
        "AZURE_CLIENT_ID",
    ),
    Trouble(
        "other tenant",
        setting("TENANT_ID", OTHER_TENANT),
        "identity",
        "failed",
        f"not {OTHER_TENANT}",
        "TENANT_ID",
    ),
    Trouble(
        "graph not there",
        setting("GRAPH_ENDPOINT", "http://127.0.0.1:9"),
        "graph",
        "failed",
        "does not answer",
        "GRAPH_ENDPOINT",
    ),
    Trouble(
        "no mail role",
        without("Mail.ReadWrite"),
        "graph Mail.ReadWrite",
        "failed",
        "not granted",
        "grant the application permission Mail.ReadWrite",
    ),
    Trouble(
        "mail only read",
        without("Mail.ReadWrite", instead=("Mail.Read",)),
        "graph Mail.ReadWrite",
        "failed",
        "only Mail.Read",
        "grant the application permission Mail.ReadWrite",
    ),
    Trouble(
        "no calendar role",
        without("Calendars.ReadWrite"),
        "graph Calendars.ReadWrite",
        "failed",
        "not granted",
        "Calendars.ReadWrite",
    ),
    Trouble(
        "no contacts role",
        without("Contacts.ReadWrite"),
        "graph Contacts.Read",
        "failed",
        "not granted",
        "Contacts.Read",
    ),
    Trouble(
        "no tasks role",
        without("Tasks.ReadWrite.All"),
        "graph Tasks.ReadWrite.All",
        "failed",
        "not granted",
        "Tasks.ReadWrite.All",
    ),
    Trouble(
        "no settings role",
        without("MailboxSettings.ReadWrite"),
        "graph MailboxSettings.Read",
        "failed",
        "not granted",
        "MailboxSettings.Read",
    ),
    Trouble(
        "access policy",
        fault("graph", "GET /users/{id}/events", 403, code="ErrorAccessDenied"),
        "graph Calendars.ReadWrite",
        "failed",
        "refused for a ready mailbox",
        "Test-ApplicationAccessPolicy",
    ),
    Trouble(
        "webhook refuses",
        webhook(notifications=403),
        "webhook",
        "failed",
        "Forbidden",
        "WEBHOOK_BASE_URL",
    ),
    Trouble(
        "lifecycle refuses",
        webhook(lifecycle=404),
        "lifecycle webhook",
        "failed",
        "NotFound",
        "WEBHOOK_BASE_URL",
    ),
    Trouble(
        "app down",
        webhook(notifications=503, lifecycle=503),
        "webhook",
        "failed",
        "ServiceUnavailable",
        "that the app runs",
    ),
    Trouble(
        "bus not there",
        setting("ServiceBusConnection", NOWHERE),
        "service bus",
        "failed",
        "no queue can be used",
        "port 5671",
    ),
    Trouble(
        "no queue",
        bus(entity="tasks", condition="amqp:not-found"),
        "queue tasks",
        "failed",
        "not there",
        "infra/",
    ),
    Trouble(
        "no sender",
        bus(entity="mail", condition="amqp:unauthorized-access", times=1),
        "queue mail",
        "failed",
        "may not send to",
        "Azure Service Bus Data Sender",
    ),
    Trouble(
        "no receiver",
        bus(entity="mail", condition="amqp:unauthorized-access", skip=1),
        "queue mail",
        "failed",
        "may not receive from",
        "Azure Service Bus Data Receiver",
    ),
    Trouble(
        "parked", something_parked, "parked", "warning", "could not be done", "tether parked list"
    ),
    Trouble(
        "dynamics not there",
        setting("DATAVERSE_URL", "http://127.0.0.1:9"),
        "dynamics",
        "failed",
        "did not answer",
        "DATAVERSE_URL",
    ),
    Trouble(
        "no application user",
        no_user,
        "dynamics user",
        "failed",
        "not a member",
        "tether schema apply --app-user",
    ),
    Trouble(
        "no role in dynamics",
        no_roles_in_dynamics,
        "dynamics role",
        "failed",
        "lacks the role Tether service",
        "tether schema apply --app-user",
    ),
    Trouble(
        "only administrator",
        only_administrator,
        "dynamics role",
        "warning",
        "more than the app needs",
        "tether schema apply --app-user",
    ),
    Trouble(
        "column gone",
        column_gone,
        "dynamics tables",
        "failed",
        "create column tether_link.tether_detail",
        "tether schema apply",
    ),
    Trouble(
        "view gone",
        view_gone,
        "dynamics tables",
        "failed",
        "create view tether_link: Failed",
        "tether schema apply",
    ),
    Trouble(
        "role bent",
        role_bent,
        "dynamics tables",
        "failed",
        "change role Tether service",
        "tether schema apply",
    ),
    Trouble(
        "newer solution", newer_solution, "dynamics tables", "failed", "newer", "tether schema plan"
    ),
    Trouble("not approved", not_approved, ADA, "warning", "not approved", "Approve Email"),
    Trouble("error open", error_open, ADA, "warning", "an error that is not solved", "alerts"),
    Trouble("not enrolled", not_enrolled, ADA, "warning", "not enrolled", "next pass"),
    Trouble("last error", row(tether_lasterror="Graph 403"), ADA, "failed", "Graph 403", "mend"),
    Trouble(
        "catch-up",
        row(tether_catchupneededsince="2026-11-01T10:00:00Z", tether_catchupreason="missed"),
        ADA,
        "warning",
        "since 2026-11-01 10:00",
        "Outlook",
    ),
    Trouble("subscription lost", subscription_lost, ADA, "failed", "missing", "made anew"),
    Trouble(
        "former seal",
        row(tether_mailsubscriptionseal="k0@x"),
        ADA,
        "failed",
        "mail former",
        "former key",
    ),
)
