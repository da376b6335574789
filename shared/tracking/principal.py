"""Callers by the principal that App Service Authentication found, where it fronts the app.

Only where the platform strips the header of callers may it be believed: see `Settings`.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.tracking.callers import Caller, Standing, admitted
from shared.tracking.problems import Refusal

_HEADER = "x-ms-client-principal"
_SCHEMAS = "http://schemas.microsoft.com"
_OBJECT_ID = (f"{_SCHEMAS}/identity/claims/objectidentifier", "oid")
_TENANT = (f"{_SCHEMAS}/identity/claims/tenantid", "tid")
_SCOPE = (f"{_SCHEMAS}/identity/claims/scope", "scp")
_ROLE = (f"{_SCHEMAS}/ws/2008/06/identity/claims/role", "roles")


class _Claim(BaseModel):
    typ: str
    val: str


class _Principal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    auth_typ: str
    claims: Sequence[_Claim] = Field(default=(), max_length=1000)
    role_typ: str = ""

    def all(self, names: Sequence[str]) -> list[str]:
        return [claim.val for claim in self.claims if claim.typ in names]

    def one(self, names: Sequence[str]) -> str | None:
        found = self.all(names)
        return found[0] if found else None


class PrincipalCallers:
    """Callers by the X-MS-CLIENT-PRINCIPAL header, and by nothing else."""

    def __init__(self, tenant: str, administrator_role: str) -> None:
        self._tenant = tenant
        self._administrator_role = administrator_role

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """See `Callers.caller`."""
        written = headers.get(_HEADER)
        if not written:
            raise Refusal("not-signed-in", 401)
        principal = _read(written)
        if principal.auth_typ != "aad" or principal.one(_TENANT) != self._tenant:
            raise Refusal("token-refused", 401, "The sign-in is of another tenant.")
        return admitted(_standing(principal), self._administrator_role)


def _read(written: str) -> _Principal:
    try:
        return _Principal.model_validate_json(base64.b64decode(written, validate=True))
    except (binascii.Error, ValidationError) as error:
        raise Refusal("token-refused", 401, "The principal cannot be read.") from error


def _standing(principal: _Principal) -> Standing:
    scopes = principal.all(_SCOPE)
    return Standing(
        object_id=principal.one(_OBJECT_ID) or "",
        name=principal.one(("name",)) or "",
        # Who signed in with a browser has a session and no scopes.
        scopes=frozenset(" ".join(scopes).split()) if scopes else None,
        roles=frozenset(principal.all((*_ROLE, principal.role_typ))),
        is_application=principal.one(("idtyp",)) == "app",
    )
