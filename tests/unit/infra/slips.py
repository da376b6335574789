"""Changes on one side alone, and what has to be said of each."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.infra import agreement, rules, wiring
from tests.unit.infra.arm_types import ArmTypes, misfits
from tests.unit.infra.templates import Checkout
from tests.unit.infra.test_templates import ARM_TYPES


@dataclass(frozen=True, slots=True)
class Slip:
    """In `file`, `old` became `new`; `check` finds it and says `finding`."""

    file: str
    old: str
    new: str
    check: Callable[[Checkout], list[str]]
    finding: str


def types(checkout: Checkout) -> list[str]:
    return misfits(checkout, ArmTypes(ARM_TYPES))


SLIPS = (
    Slip("infra/queues.json", '"tasks"', '"task"', agreement.queues, "'tasks' is consumed and not"),
    Slip("functions/mail.py", '"mail"', '"mails"', agreement.queues, "'mail' is made and not"),
    Slip(
        "infra/modules/servicebus.bicep",
        "../queues.json",
        "../other.json",
        agreement.queues_come_from_their_file,
        "do not come from queues.json",
    ),
    Slip(
        "infra/modules/servicebus.bicep",
        "properties: entry.value",
        "properties: { lockDuration: 'PT1M' }",
        agreement.queues_come_from_their_file,
        "says a queue's property itself: lockDuration",
    ),
    Slip("infra/queues.json", "PT10M", "PT20S", agreement.queue_times, "knows copies for 0:00:20"),
    Slip("host.json", "00:10:00", "00:30:00", agreement.queue_times, "a function may take 0:30"),
    Slip("infra/queues.json", "PT5M", "PT1M", agreement.queue_times, "is locked for another time"),
    Slip("infra/queues.json", "1000", "10", agreement.queue_times, "dead-letters"),
    Slip(
        "infra/modules/function.bicep",
        "DATAVERSE_URL:",
        "DATAVERSE_URI:",
        agreement.settings,
        "the app knows no setting DATAVERSE_URI",
    ),
    Slip(
        "shared/config.py",
        'alias="WEBHOOK_BASE_URL"',
        'alias="WEBHOOK_URL"',
        agreement.settings,
        "the setting WEBHOOK_URL is not set",
    ),
    Slip(
        "functions/tasks.py",
        'connection="ServiceBusConnection"',
        'connection="Bus"',
        agreement.settings,
        "the setting Bus__fullyQualifiedNamespace is not set",
    ),
    Slip(
        "infra/main.dev.bicepparam",
        "param environmentName",
        "param appSettings = { TASKS_DELETED: 'keep' }\nparam environmentName",
        agreement.settings,
        "the app knows no setting TASKS_DELETED",
    ),
    Slip(
        "infra/rotate-client-state-key",
        "secret=client-state-keys",
        "secret=keys",
        agreement.keys_are_a_reference,
        "CLIENT_STATE_KEYS is",
    ),
    Slip(
        "functions/mail.py",
        "async def mail(",
        "async def mails(",
        agreement.functions_named,
        "keeps 'function:mail' ready",
    ),
    Slip(
        "infra/modules/rbac.bicep",
        "{ who: 'app', role: 'Azure Service Bus Data Receiver', on: 'mail' }",
        "{ who: 'app', role: 'Azure Service Bus Data Receiver', on: 'parked' }",
        agreement.rights,
        "needless right: app Azure Service Bus Data Receiver parked",
    ),
    Slip(
        "infra/modules/graph.bicep",
        "'Contacts.Read'",
        "'Contacts.ReadWrite'",
        agreement.graph_roles,
        "granted, and not in the README: Contacts.ReadWrite",
    ),
    Slip("README.md", "`Mail.ReadWrite`", "`Mail.Read`", agreement.graph_roles, "Mail.Read"),
    Slip(
        "infra/scope-mailboxes.ps1",
        "'Application Contacts.Read'",
        "'Application Contacts.ReadWrite'",
        agreement.graph_roles,
        "scoped on one side only: Contacts.Read",
    ),
    Slip("shared/telemetry.py", '"tether.lag"', '"tether.delay"', agreement.watched, "tether.lag"),
    Slip(
        "shared/telemetry.py",
        '    "tether.lag": frozenset({KIND, PLAN}),\n',
        "",
        agreement.watched,
        "table of metrics is wrong about tether.lag",
    ),
    Slip(
        "shared/telemetry.py",
        '"tether.condition"',
        '"tether.state"',
        agreement.watched,
        "silent-mailbox: none of its metrics has a tether.condition",
    ),
    Slip(
        "shared/telemetry.py",
        'SILENT = "silent"',
        'SILENT = "quiet"',
        agreement.watched,
        "silent-mailbox: no attribute is ever 'silent'",
    ),
    Slip("infra/alerts.json", '"parked"', '"aside"', agreement.watched, "no queue aside"),
    Slip(
        "infra/modules/rbac.bicep",
        "role: 'Key Vault Secrets User'",
        "role: 'Contributor'",
        rules.least_privilege,
        "Contributor is not to be given",
    ),
    Slip(
        "infra/modules/rbac.bicep",
        "4633458b",
        "4633458c",
        rules.least_privilege,
        "Key Vault Secrets User has another id",
    ),
    Slip(
        "infra/modules/keyvault.bicep",
        "scope: vault\n  properties: {\n    workspaceId",
        "scope: other\n  properties: {\n    workspaceId",
        rules.diagnosed,
        "keyvault.bicep: vault has no diagnostic setting",
    ),
    Slip(
        "infra/modules/storage.bicep",
        "  tags: tags\n  kind",
        "  kind",
        rules.tagged,
        "storage.bicep: account has no tags",
    ),
    Slip(
        "infra/modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        rules.by_identity_and_tls,
        "allowSharedKeyAccess is True",
    ),
    Slip(
        "infra/modules/servicebus.bicep",
        "minimumTlsVersion: '1.2'",
        "minimumTlsVersion: '1.0'",
        rules.by_identity_and_tls,
        "minimumTlsVersion is '1.0'",
    ),
    Slip(
        "infra/modules/servicebus.bicep",
        "output host string =",
        "output key string = namespace.listKeys().primaryKey\noutput host string =",
        rules.without_keys,
        "servicebus.bicep uses a key: listKeys(",
    ),
    Slip(
        "infra/modules/keyvault.bicep",
        "= if (production) {",
        "= {",
        rules.locked_in_production,
        "keyvault.bicep: vault is not locked",
    ),
    Slip(
        "infra/modules/keyvault.bicep",
        "privateNetwork ? 'Disabled' : 'Enabled'",
        "'Enabled'",
        rules.private_where_asked,
        "vault stays public",
    ),
    Slip(
        "infra/main.bicep",
        "    insightsName: monitoring.outputs.insightsName\n",
        "",
        wiring.modules_get_their_parameters,
        "rbac lacks insightsName",
    ),
    Slip(
        "infra/modules/keyvault.bicep",
        "output uri string",
        "output url string",
        wiring.outputs_exist,
        "keyVault has no output uri",
    ),
    Slip(
        "infra/main.prod.bicepparam",
        "param production",
        "param productive",
        wiring.parameter_files_fit,
        "main.prod.bicepparam gives productive",
    ),
    Slip(
        "infra/modules/servicebus.bicep",
        "disableLocalAuth",
        "disableLocalAuthentication",
        types,
        "namespace.properties.disableLocalAuthentication is unknown",
    ),
    Slip(
        "infra/modules/storage.bicep",
        "'TLS1_2'",
        "'TLS1.2'",
        types,
        "account.properties.minimumTlsVersion: 'TLS1.2' is none of",
    ),
    Slip(
        "infra/modules/function.bicep",
        "maximumInstanceCount: maximumInstanceCount",
        "maximumInstanceCount: 'many'",
        types,
        "'many' is no integer",
    ),
    Slip(
        "infra/modules/keyvault.bicep",
        "    sku: { family: 'A', name: 'standard' }\n",
        "",
        types,
        "vault.properties.sku is missing",
    ),
    Slip(
        "infra/modules/identity.bicep",
        "  tags: tags",
        "  tags: tags\n  properties: { clientId: 'x' }",
        types,
        "identity.properties.clientId is read-only",
    ),
    Slip("infra/modules/workbook.bicep", "@2023-06-01", "@2023-06-02", types, "version 2023-06-02"),
    Slip(
        "infra/modules/alerts.bicep",
        "operator: 'GreaterThan'",
        "operator: 'Over'",
        types,
        "'Over' is none of",
    ),
    Slip("infra/alerts.json", '"backlog"', '"pile"', wiring.operators_are_told, "pile"),
    Slip("infra/queues.json", "lockDuration", "lockTime", types, "mail.lockTime is unknown"),
)
