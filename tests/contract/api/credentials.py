"""What callers present to say who they are, genuine and otherwise."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK

from bench.signing_in import token_of
from sandbox.tenant import Person
from tests.contract.api.serving import ADA, ALAN, GRACE, TENANT, Serving

type Headers = dict[str, str]
type Present = Callable[[Serving], Awaitable[Headers]]
OTHER_TENANT = TENANT.stable_id("another tenant")
_STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def bearer(token: str) -> Headers:
    """Return the header that presents a token."""
    return {"Authorization": f"Bearer {token}"}


def principal(
    person_id: str, *roles: str, tenant: str = TENANT.tenant_id, **claims: str
) -> Headers:
    """Return the header in which App Service Authentication says who calls."""
    schemas = "http://schemas.microsoft.com/identity/claims"
    told = [
        (f"{schemas}/objectidentifier", person_id),
        (f"{schemas}/tenantid", tenant),
        ("name", "Somebody"),
        *(("roles", role) for role in roles),
        *((name.replace("scope", f"{schemas}/scope"), value) for name, value in claims.items()),
    ]
    document = {
        "auth_typ": "aad",
        "name_typ": "name",
        "role_typ": "roles",
        "claims": [{"typ": typ, "val": val} for typ, val in told],
    }
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


def of(person: Person, scope: str = "access_as_user") -> Present:
    """Present a person's genuine token."""

    async def present(api: Serving) -> Headers:
        return bearer(await api.token(person, scope))

    return present


def changed(**claims: object) -> Present:
    """Present Ada's token, genuinely signed, that says something else; None leaves a claim out."""

    async def present(api: Serving) -> Headers:
        body = {**await _claims(api), **claims}
        told = {name: value for name, value in body.items() if value is not None}
        return bearer(api.identity.authority.sign(told))

    return present


def timed(**seconds: int) -> Present:
    """Present Ada's token with its times so many seconds from now."""

    async def present(api: Serving) -> Headers:
        now = int(time.time())
        moved = {name: now + after for name, after in seconds.items()}
        return await changed(**moved)(api)

    return present


def sent(**headers: str) -> Present:
    """Present these headers."""

    async def present(_: Serving) -> Headers:
        return {name.replace("_", "-"): value for name, value in headers.items()}

    return present


async def with_role(api: Serving) -> Headers:
    """Present the token of an application with the administrator's role."""
    return await _application(api, "Tether.Administrator")


async def without_role(api: Serving) -> Headers:
    """Present the token of an application without it."""
    return await _application(api)


async def wrongly_signed(api: Serving) -> Headers:
    """Present Ada's claims, signed by a stranger in the name of the tenant's key."""
    return bearer(
        jwt.encode(await _claims(api), _STRANGER, "RS256", headers={"kid": _key(api)["kid"]})
    )


async def of_an_unknown_key(api: Serving) -> Headers:
    """Present Ada's claims, signed by a stranger in the name of a key nobody has."""
    return bearer(jwt.encode(await _claims(api), _STRANGER, "RS256", headers={"kid": "nobody's"}))


async def unsigned(api: Serving) -> Headers:
    """Present Ada's claims without a signature."""
    claims = await _claims(api)
    return bearer(jwt.encode(claims, "", "none", headers={"kid": _key(api)["kid"]}))


async def signed_with_the_public_key(api: Serving) -> Headers:
    """Present Ada's claims under an HMAC whose secret is what everybody knows."""
    key: Any = PyJWK(_key(api)).key
    secret = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "JWT", "kid": _key(api)["kid"]}
    signed = f"{_part(header)}.{_part(await _claims(api))}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return bearer(f"{signed}.{_encoded(digest)}")


async def tampered(api: Serving) -> Headers:
    """Present Ada's token with Grace's id in it."""
    head, _, signature = (await api.token(ADA)).split(".")
    return bearer(f"{head}.{_part({**await _claims(api), 'oid': GRACE.id})}.{signature}")


async def _application(api: Serving, *roles: str) -> Headers:
    signing_in = api.signing_in
    signing_in.directory.give_roles(signing_in.api, signing_in.script.object_id, *roles)
    form = signing_in.script_form()
    return bearer(await token_of(api.identity.url, TENANT.tenant_id, form))


async def _claims(api: Serving) -> dict[str, Any]:
    token = await api.token(ADA)
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _key(api: Serving) -> dict[str, Any]:
    published: Any = api.identity.authority.keys()["keys"]
    key: dict[str, Any] = published[0]
    return key


def _part(document: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(document).encode())


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


FORGED = principal(ADA.id, "Tether.Administrator", scope="access_as_user")
TURNED_AWAY: dict[str, tuple[Present, int, str]] = {
    "no token": (sent(), 401, "not-signed-in"),
    "another scheme": (sent(Authorization="Basic YTpi"), 401, "not-signed-in"),
    "an empty token": (sent(Authorization="Bearer "), 401, "not-signed-in"),
    "no token of any sort": (sent(Authorization="Bearer a.b.c"), 401, "token-refused"),
    "two tokens": (sent(Authorization="Bearer a.b.c, Bearer a.b.c"), 401, "token-refused"),
    "deep": (sent(Authorization=f"Bearer {_encoded(b'[' * 3000)}.e30.e30"), 401, "token-refused"),
    "expired": (timed(exp=-120), 401, "token-expired"),
    "not yet valid": (timed(nbf=300), 401, "token-expired"),
    "without an end": (changed(exp=None), 401, "token-refused"),
    "another tenant's issuer": (
        changed(iss=f"https://sts.windows.net/{OTHER_TENANT}/"), 401, "token-refused",
    ),
    "another tenant's id": (changed(tid=OTHER_TENANT), 401, "token-refused"),
    "another audience": (changed(aud="https://graph.microsoft.com"), 401, "token-refused"),
    "several audiences": (changed(aud=["https://graph.microsoft.com"]), 401, "token-refused"),
    "nobody's": (changed(oid=None), 401, "token-refused"),
    "no person's id": (changed(oid="ada"), 401, "token-refused"),
    "wrong signature": (wrongly_signed, 401, "token-refused"),
    "unknown key": (of_an_unknown_key, 401, "token-refused"),
    "alg none": (unsigned, 401, "token-refused"),
    "HS256 with the public key": (signed_with_the_public_key, 401, "token-refused"),
    "tampered": (tampered, 401, "token-refused"),
    "another scope": (of(ADA, "other"), 403, "no-access"),
    "an application without the role": (without_role, 403, "no-access"),
    "another seller": (of(GRACE), 403, "not-your-mailbox"),
    "a forged principal": (sent(**FORGED), 401, "not-signed-in"),
}  # fmt: skip
LET_IN: dict[str, Present] = {
    "the owner": of(ADA),
    "an administrator": of(ALAN),
    "an application with the role": with_role,
    "just expired": timed(exp=-30),
}
