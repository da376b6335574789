"""Who the app is: whether it gets a token, of which tenant, and with which roles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from azure.core.exceptions import ClientAuthenticationError

from cli.clients import Clients
from cli.doctor.findings import Finding, failed, ok, warning

CHECK = "identity"


@dataclass(frozen=True, slots=True)
class Who:
    """The claims of the app's token for Graph."""

    claims: Mapping[str, Any]

    @property
    def is_person(self) -> bool:
        """Whether somebody is signed in, instead of the app."""
        return "scp" in self.claims

    @property
    def app_id(self) -> str:
        """The application (client) id."""
        return str(self.claims.get("appid") or self.claims.get("azp") or "")

    @property
    def roles(self) -> frozenset[str]:
        """The application permissions that are consented to."""
        return frozenset(self.claims.get("roles") or ())


async def check_identity(clients: Clients) -> tuple[Finding, Who | None]:
    """Get a token for Graph, and look at whose it is."""
    settings = clients.settings
    try:
        token = await clients.credential.get_token(f"{settings.graph_endpoint}/.default")
    except ClientAuthenticationError as error:
        first = str(error.message).strip().partition("\n")[0]
        remedy = (
            "in Azure: switch the app's managed identity on, and set AZURE_CLIENT_ID to the client"
            " id of a user-assigned one that the app has; elsewhere: az login"
        )
        return failed(CHECK, f"no token for Graph: {first}", remedy), None
    who = Who(jwt.decode(token.token, options={"verify_signature": False}))
    if str(who.claims.get("tid", "")).lower() != settings.tenant:
        message = f"the identity is of the tenant {who.claims.get('tid')}, not {settings.tenant}"
        return failed(CHECK, message, "set TENANT_ID to the tenant the app's identity is in"), None
    if who.is_person:
        message = f"signed in as {who.claims.get('upn') or who.claims.get('name') or 'a person'}"
        remedy = "what the app itself may do shows only when this runs in the app's environment"
        return warning(CHECK, message, remedy), who
    return ok(CHECK, f"application {who.app_id}"), who
