"""The token endpoint: a person's password or an application's secret for an access token."""

import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

from sandbox.identity.directory import Client, Directory, Resource
from sandbox.identity.tokens import TokenAuthority
from sandbox.tenant import Person

type Form = Mapping[str, str]
_OPENID = {"openid", "profile", "email", "offline_access"}


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    def __init__(self, error: str, number: int, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body: dict[str, object] = {
            "error": error,
            "error_description": f"AADSTS{number}: {description}",
            "error_codes": [number],
            "timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}",
            "trace_id": str(uuid4()),
            "correlation_id": str(uuid4()),
        }


def answer_grant(
    form: Form, directory: Directory, authority: TokenAuthority, *, login: str
) -> tuple[int, dict[str, object]]:
    """Return the status and body that a token request gets; `login` is the service's address."""
    try:
        return 200, _granted(form, directory, authority, login)
    except _Refused as refused:
        return refused.status, refused.body


def _granted(
    form: Form, directory: Directory, authority: TokenAuthority, login: str
) -> dict[str, object]:
    grant = _parameter(form, "grant_type")
    if grant not in {"password", "client_credentials"}:
        raise _Refused("unsupported_grant_type", 70003, f"The grant type '{grant}' is unsupported.")
    client = directory.client(_parameter(form, "client_id"))
    if client is None:
        told = f"Application with identifier '{form['client_id']}' was not found in the directory."
        raise _Refused("unauthorized_client", 700016, told)
    resource, scopes = _wanted(_parameter(form, "scope"), directory)
    if grant == "password":
        body = _of_person(_signed_in(form, directory), resource, scopes, client, directory)
    else:
        body = _of_application(form, client, resource, scopes, directory)
    return _answer(body, resource, scopes, directory, authority, login)


def _answer(
    body: Mapping[str, object],
    resource: Resource,
    scopes: list[str],
    directory: Directory,
    authority: TokenAuthority,
    login: str,
) -> dict[str, object]:
    now, seconds = int(time.time()), directory.lifetime_seconds
    newer = resource.token_version == 2
    token = authority.sign(
        {
            "aud": resource.app_id if newer else resource.uri,
            "iss": f"{login}/{authority.tenant_id}/v2.0" if newer else authority.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "tid": authority.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": f"{resource.token_version}.0",
            **body,
        }
    )
    return {
        "token_type": "Bearer",
        "scope": " ".join(f"{resource.uri}/{scope}" for scope in scopes),
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    }


def _of_person(
    person: Person, resource: Resource, scopes: list[str], client: Client, directory: Directory
) -> dict[str, object]:
    roles = directory.roles(resource, person.id)
    pairwise = hmac.digest(resource.app_id.encode(), person.id.encode(), sha256).hex()
    granted = resource.scopes if scopes == [".default"] else scopes
    return {
        "oid": person.id,
        "sub": pairwise,
        "name": person.display_name,
        "scp": " ".join(granted),
        **_by(client, resource),
        **({"roles": list(roles)} if roles else {}),
        **(
            {"preferred_username": person.upn}
            if resource.token_version == 2
            else {"upn": person.upn, "unique_name": person.upn}
        ),
    }


def _of_application(
    form: Form, client: Client, resource: Resource, scopes: list[str], directory: Directory
) -> dict[str, object]:
    given = form.get("client_secret", "")
    if client.secret is None or not given:
        told = "The request body must contain the following parameter: 'client_secret'."
        raise _Refused("invalid_client", 7000218, told, 401)
    if not secrets.compare_digest(given.encode(), client.secret.encode()):
        raise _Refused("invalid_client", 7000215, "Invalid client secret provided.", 401)
    if scopes != [".default"]:
        told = "The scope of client credential flows must end in /.default."
        raise _Refused("invalid_scope", 1002012, told)
    roles = directory.roles(resource, client.object_id)
    return {
        "oid": client.object_id,
        "sub": client.object_id,
        **_by(client, resource),
        **({"roles": list(roles)} if roles else {}),
    }


def _by(client: Client, resource: Resource) -> dict[str, object]:
    confidence = "1" if client.secret else "0"
    if resource.token_version == 2:
        return {"azp": client.app_id, "azpacr": confidence}
    return {"appid": client.app_id, "appidacr": confidence}


def _signed_in(form: Form, directory: Directory) -> Person:
    upn, password = _parameter(form, "username"), _parameter(form, "password")
    person = directory.person(upn)
    if person is None:
        told = f"The user account {upn} does not exist in the directory."
        raise _Refused("invalid_grant", 50034, told)
    if not secrets.compare_digest(password.encode(), person.password.encode()):
        told = "Error validating credentials due to invalid username or password."
        raise _Refused("invalid_grant", 50126, told)
    return person


def _wanted(asked: str, directory: Directory) -> tuple[Resource, list[str]]:
    wanted = [scope.rpartition("/") for scope in asked.split() if scope not in _OPENID]
    names = {uri for uri, _, _ in wanted}
    if len(names) != 1:
        told = f"The scope '{asked}' must name exactly one resource."
        raise _Refused("invalid_scope", 70011, told)
    (name,) = names
    resource = directory.resource(name)
    if resource is None:
        told = f"The resource principal named {name} was not found in the tenant."
        raise _Refused("invalid_resource", 500011, told)
    scopes = [scope for _, _, scope in wanted]
    unknown = [scope for scope in scopes if scope not in (*resource.scopes, ".default")]
    if unknown or (".default" in scopes and len(scopes) > 1):
        told = f"The scope '{asked}' is not one that the resource {name} has."
        raise _Refused("invalid_scope", 650053, told)
    return resource, scopes


def _parameter(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        told = f"The request body must contain the following parameter: '{name}'."
        raise _Refused("invalid_request", 900144, told)
    return value
