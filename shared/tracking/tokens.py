"""Callers by their bearer token, as Entra ID issues it for the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from shared.errors import Transient
from shared.tracking.callers import Caller, Standing, admitted
from shared.tracking.problems import Refusal
from shared.tracking.signing_keys import SigningKeys

_ALGORITHM = "RS256"
_LEEWAY_SECONDS = 60
_REQUIRED = ["exp", "nbf", "iss", "aud", "tid", "oid"]
_RETRY_SECONDS = 10
_MALFORMED = "It is no token of Entra ID."
_REASONS: Mapping[type[jwt.PyJWTError], tuple[str, str]] = {
    jwt.ExpiredSignatureError: ("token-expired", "Its time is over."),
    jwt.ImmatureSignatureError: ("token-expired", "Its time has not begun."),
    jwt.InvalidSignatureError: ("token-refused", "Its signature is wrong."),
    jwt.InvalidIssuerError: ("token-refused", "It was issued by another tenant."),
    jwt.InvalidAudienceError: ("token-refused", "It was issued for another API."),
    jwt.MissingRequiredClaimError: ("token-refused", "It lacks a claim that every token has."),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: the tenant, who issues its tokens, and for whom they may be meant."""

    tenant: str
    issuers: Sequence[str]
    audiences: Sequence[str]
    administrator_role: str


def expected_of(tenant: str, login: str, audience: str, administrator_role: str) -> Expected:
    """Return what a token must say, by the settings.

    Tokens of version 1 name the application by its URI, those of version 2 by its client id.
    """
    client_id = audience.rpartition("/")[2]
    return Expected(
        tenant=tenant,
        issuers=(f"https://sts.windows.net/{tenant}/", f"{login}/{tenant}/v2.0"),
        audiences=tuple(dict.fromkeys((audience, client_id, f"api://{client_id}"))),
        administrator_role=administrator_role,
    )


class TokenCallers:
    """Callers by the Authorization header, and by nothing else."""

    def __init__(self, keys: SigningKeys, expected: Expected) -> None:
        self._keys = keys
        self._expected = expected

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """See `Callers.caller`."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal("not-signed-in", 401)
        claims = await self._claims(token.strip())
        return admitted(_standing(claims), self._expected.administrator_role)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        key_id = _key_id(token)
        try:
            key = await self._keys.find(key_id)
        except Transient as problem:
            raise Refusal("sign-in-unreachable", 503, retry_after=_RETRY_SECONDS) from problem
        if key is None:
            raise Refusal("token-refused", 401, "It is signed with no key of this tenant.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=list(self._expected.audiences),
                issuer=list(self._expected.issuers),
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            code, reason = _REASONS.get(type(error), ("token-refused", _MALFORMED))
            raise Refusal(code, 401, reason) from error
        if claims["tid"] != self._expected.tenant:
            raise Refusal("token-refused", 401, "It was issued by another tenant.")
        return claims


def _key_id(token: str) -> str:
    """Return which key a token says it is signed with, before anything of it is believed."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError) as error:
        raise Refusal("token-refused", 401, _MALFORMED) from error
    key_id = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(key_id, str):
        raise Refusal("token-refused", 401, f"It is not signed with {_ALGORITHM} and a known key.")
    return key_id


def _standing(claims: Mapping[str, Any]) -> Standing:
    scopes, roles = claims.get("scp"), claims.get("roles")
    return Standing(
        object_id=str(claims["oid"]),
        name=str(claims.get("name") or claims.get("app_displayname") or ""),
        scopes=frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(),
        roles=frozenset(roles if isinstance(roles, list) else ()),
        # Only an application is its own subject; without this an ID token would pass for one.
        is_application=scopes is None and claims["oid"] == claims.get("sub"),
    )
