"""What holds of every resource; each rule returns who breaks it."""

import re
from collections.abc import Callable

from tests.unit.infra.templates import Checkout, Resource, branches

Rule = Callable[[Checkout], list[str]]

# Types that take no tags.
UNTAGGED = {
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Consumption/budgets",
    "Microsoft.Graph/appRoleAssignedTo",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.ServiceBus/namespaces/queues",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
}
# Types that have no logs or metrics of their own, or whose parent's setting covers them.
UNDIAGNOSED = UNTAGGED - {"Microsoft.Storage/storageAccounts/blobServices"} | {
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/components",  # is written into the workspace as it is
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Insights/workbooks",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Web/serverfarms",  # of Flex Consumption: the app's metrics are all there are
}
# What has to stand where, whatever the parameters.
FIXED: dict[str, dict[str, object]] = {
    "Microsoft.ServiceBus/namespaces": {
        "properties.disableLocalAuth": True,
        "properties.minimumTlsVersion": "1.2",
    },
    "Microsoft.Storage/storageAccounts": {
        "properties.allowBlobPublicAccess": False,
        "properties.allowSharedKeyAccess": False,
        "properties.defaultToOAuthAuthentication": True,
        "properties.isLocalUserEnabled": False,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {
        "properties.publicAccess": "None"
    },
    "Microsoft.KeyVault/vaults": {
        "properties.accessPolicies": None,
        "properties.enablePurgeProtection": True,
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
    },
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.Web/sites": {
        "identity.type": "UserAssigned",
        "properties.httpsOnly": True,
        "properties.functionAppConfig.deployment.storage.authentication.type": (
            "UserAssignedIdentity"
        ),
        "properties.functionAppConfig.runtime": {"name": "python", "version": "3.13"},
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}
PRIVATE = {
    "Microsoft.KeyVault/vaults",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.Storage/storageAccounts",
}
LOCKED = PRIVATE | {"Microsoft.OperationalInsights/workspaces"}
# Azure's own ids of the roles, and all the roles there are to give.
ROLE_IDS = {
    "Azure Service Bus Data Receiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Log Analytics Reader": "73c42c96-874c-492b-b04d-ab87d138a893",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
}
FORBIDDEN = re.compile(r"\b(list[A-Z]\w*|getSecret)\(|AccountKey=|SharedAccessKey")


def tagged(checkout: Checkout) -> list[str]:
    """Every resource that can have tags has them."""
    untagged = [r for r in checkout.resources if r.type not in UNTAGGED and not r.at("tags")]
    return [f"{one} has no tags" for one in untagged]


def diagnosed(checkout: Checkout) -> list[str]:
    """Every resource that has logs or metrics sends them to the workspace."""
    settings = [r for r in checkout.resources if r.type.endswith("/diagnosticSettings")]
    sent = {(r.template.path, r.at("scope")) for r in settings if r.at("properties.workspaceId")}
    return [
        f"{one} has no diagnostic setting"
        for one in checkout.resources
        if one.type not in UNDIAGNOSED and (one.template.path, one.symbol) not in sent
    ]


def without_keys(checkout: Checkout) -> list[str]:
    """No template reads a key or writes one."""
    texts = {path.path.name: path.text for path in checkout.templates}
    texts |= {p.name: p.read_text() for p in (checkout.root / "infra").glob("*.bicepparam")}
    return [
        f"{name} uses a key: {found[0]}"
        for name, text in texts.items()
        if (found := FORBIDDEN.search(text))
    ]


def by_identity_and_tls(checkout: Checkout) -> list[str]:
    """Local authentication is off, TLS is at least 1.2, nothing is public by mistake."""
    return [
        f"{one}: {path} is {one.at(path)!r}, not {value!r}"
        for one in checkout.resources
        for path, value in FIXED.get(one.type, {}).items()
        if one.at(path) != value
    ]


def private_where_asked(checkout: Checkout) -> list[str]:
    """The switch takes what holds data off the internet, and gives it an endpoint."""
    problems = []
    for one in checkout.resources:
        if one.type in PRIVATE:
            told = one.at("properties.publicNetworkAccess")
            if list(branches(told)) != ["Disabled", "Enabled"] or not _asks(told, "privateNetwork"):
                problems.append(f"{one} stays public in a private network")
    targets = checkout.template("modules/endpoints.bicep").variable("targets")
    if len(targets) != len(PRIVATE):
        problems.append("not everything private has an endpoint")
    return problems


def locked_in_production(checkout: Checkout) -> list[str]:
    """What must not be lost cannot be deleted in production."""
    locks = {
        (r.template.path, r.at("scope")): r
        for r in checkout.resources
        if r.type.endswith("/locks") and r.condition == "production"
    }
    return [
        f"{one} is not locked"
        for one in checkout.resources
        if one.type in LOCKED and (one.template.path, one.symbol) not in locks
    ]


def least_privilege(checkout: Checkout) -> list[str]:
    """Only the roles listed here are given, and all in one file."""
    template = checkout.template("modules/rbac.bicep")
    given = {one["role"] for one in template.variable("assignments")}
    ids = template.variable("roleIds")
    elsewhere = [
        r
        for r in checkout.resources
        if r.type == "Microsoft.Authorization/roleAssignments"
        and r.template.path.name != "rbac.bicep"
    ]
    return [
        *(f"the role {name} is not to be given" for name in sorted(given - ROLE_IDS.keys())),
        *(f"{name} has another id" for name in ROLE_IDS if ids.get(name) != ROLE_IDS[name]),
        *(f"{one} gives rights outside the table" for one in elsewhere),
    ]


def composed(checkout: Checkout) -> list[str]:
    """main.bicep composes and makes nothing itself but the group."""
    made: list[Resource] = list(checkout.template("main.bicep").resources)
    types = [one.type for one in made]
    return [] if types == ["Microsoft.Resources/resourceGroups"] else [f"main makes {types}"]


def _asks(value: object, switch: str) -> bool:
    match value:
        case {"operator": {"operands": {"condition": condition}}}:
            return bool(condition == switch)
        case _:
            return False


RULES: tuple[Rule, ...] = (
    tagged,
    diagnosed,
    without_keys,
    by_identity_and_tls,
    private_where_asked,
    locked_in_production,
    least_privilege,
    composed,
)
