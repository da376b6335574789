"""A credential for callers inside the sandbox's own process, who need no identity endpoint."""

from types import TracebackType
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

from sandbox.identity.tokens import Principal, TokenAuthority


class SandboxCredential(AsyncTokenCredential):
    """Gives tokens of one principal, for the resource of the first scope asked for."""

    def __init__(self, authority: TokenAuthority, principal: Principal) -> None:
        self._authority = authority
        self._principal = principal

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,  # noqa: ARG002 - the protocol's
        tenant_id: str | None = None,  # noqa: ARG002
        enable_cae: bool = False,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002, ANN401
    ) -> AccessToken:
        """Return a token for the resource of the first scope."""
        token, expires = self._authority.issue(self._principal, scopes[0].removesuffix("/.default"))
        return AccessToken(token, expires)

    async def close(self) -> None:
        """Nothing is held open."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Nothing is held open."""
