"""The App Service managed-identity endpoint, and the tenant's keys as Entra ID publishes them."""

import secrets
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from sandbox.identity.directory import Directory
from sandbox.identity.grants import answer_grant
from sandbox.identity.tokens import LIFETIME_SECONDS, Principal, TokenAuthority
from sandbox.web import Listener, Surroundings, counted_and_faulted

API_VERSION = "2019-08-01"


class Identity:
    """Gives tokens to processes that present the secret of their environment.

    The first principal is the system-assigned identity: it answers when no `client_id` is asked
    for. Real error bodies are `{"statusCode", "message", "correlationId"}`.
    """

    def __init__(
        self,
        authority: TokenAuthority,
        surroundings: Surroundings,
        principals: Sequence[Principal],
        directory: Directory | None = None,
    ) -> None:
        if not principals:
            raise ValueError("an identity endpoint needs at least one principal")
        self.authority = authority
        self.directory = directory or Directory()
        self._principals = list(principals)
        self._claims: dict[str, object] = {}
        self._secret = secrets.token_hex(16).upper()
        middleware = counted_and_faulted("identity", surroundings, _operation, _injected)
        app = web.Application(middlewares=[middleware])
        app.router.add_get("/msi/token", self._token)
        for version in ("", "/v2.0"):
            app.router.add_get(
                f"/{{tenant}}{version}/.well-known/openid-configuration", self._discovery
            )
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._grant)
        app.router.add_get("/{tenant}/discovery/keys", self._keys)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        self._listener = Listener(app)

    @property
    def url(self) -> str:
        """Where the endpoint listens, without a trailing slash."""
        return self._listener.url

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        await self._listener.start(port=port)

    async def stop(self) -> None:
        """Stop listening."""
        await self._listener.stop()

    def environment(self) -> dict[str, str]:
        """Return the variables App Service sets for `ManagedIdentityCredential`."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": self._secret}

    def answer_as(self, principal: Principal, **claims: object) -> None:
        """Give tokens of another system-assigned identity from now on, with these claims, too."""
        self._principals[0] = principal
        self._claims = claims

    async def _token(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        presented = request.headers.get("X-IDENTITY-HEADER", "")
        if not secrets.compare_digest(presented.encode(), self._secret.encode()):
            return _refusal(401, "The X-IDENTITY-HEADER of the request is missing or wrong.")
        if query.get("api-version") != API_VERSION:
            return _refusal(400, f"The api-version must be {API_VERSION}.")
        resource = query.get("resource", "")
        if not resource:
            return _refusal(400, "The resource parameter is missing.")
        principal = self._principal(query.get("client_id") or query.get("principal_id"))
        if principal is None:
            return _refusal(400, "No User Assigned or Delegated Managed Identity found.")
        token, expires = self.authority.issue(principal, resource, claims=self._claims)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": principal.app_id,
                "not_before": str(expires - LIFETIME_SECONDS),
            }
        )

    def _principal(self, wanted: str | None) -> Principal | None:
        if wanted is None:
            return self._principals[0]
        wanted = wanted.lower()
        return next(
            (p for p in self._principals if wanted in (p.app_id.lower(), p.object_id.lower())), None
        )

    async def _grant(self, request: web.Request) -> web.StreamResponse:
        tenant = request.match_info["tenant"]
        if tenant not in (self.authority.tenant_id, "organizations"):
            return web.json_response(_unknown_tenant(tenant), status=400)
        form = {name: str(value) for name, value in (await request.post()).items()}
        status, body = answer_grant(form, self.directory, self.authority, login=self.url)
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})

    async def _discovery(self, request: web.Request) -> web.StreamResponse:
        tenant = request.match_info["tenant"]
        if tenant not in (self.authority.tenant_id, "common", "organizations"):
            return web.json_response(_unknown_tenant(tenant), status=400)
        base = f"{self.url}/{tenant}"
        newer = request.path.endswith("/v2.0/.well-known/openid-configuration")
        issuer = f"{self.url}/{self.authority.tenant_id}/v2.0"
        return web.json_response(
            {
                "issuer": issuer if newer else self.authority.issuer,
                "jwks_uri": f"{base}/discovery/{'v2.0/' if newer else ''}keys",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": "EU",
            }
        )

    async def _keys(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.authority.keys())


def _operation(request: web.Request) -> str:
    path = request.path
    if path == "/msi/token":
        return f"{request.method} /msi/token"
    return f"{request.method} /{{tenant}}/{path.lstrip('/').partition('/')[2]}"


def _refusal(
    status: int, message: str, *, retry_after: int | None = None, code: str | None = None
) -> web.Response:
    body: dict[str, Any] = {
        "statusCode": status,
        "message": message,
        "correlationId": secrets.token_hex(16),
    }
    if code:
        body["error"] = code
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response(body, status=status, headers=headers)


def _injected(
    status: int, code: str | None, message: str, retry_after: int | None
) -> web.StreamResponse:
    return _refusal(status, message, retry_after=retry_after, code=code)


def _unknown_tenant(tenant: str) -> dict[str, object]:
    return {
        "error": "invalid_tenant",
        "error_description": f"AADSTS90002: Tenant '{tenant}' not found.",
        "error_codes": [90002],
    }
