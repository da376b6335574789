"""Access tokens as Entra ID signs them, and what a service checks of one."""

import base64
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from pydantic import BaseModel, ConfigDict

LIFETIME_SECONDS = 24 * 3600  # what Entra ID gives a managed identity


class Principal(BaseModel):
    """An application in the tenant that gets tokens: ids, and the Graph roles consented to it."""

    model_config = ConfigDict(frozen=True)

    app_id: str
    object_id: str
    roles: tuple[str, ...] = ()


class TokenAuthority:
    """Signs the tenant's tokens and checks them.

    Token times are the machine's, not the sandbox clock's: a client that caches a token goes by the
    machine's time, and moving the clock must not lock it out.
    """

    def __init__(self, tenant_id: str, *, key_file: Path | None = None) -> None:
        self.tenant_id = tenant_id
        self.issuer = f"https://sts.windows.net/{tenant_id}/"
        self._key_file = key_file
        self._key = _signing_key(key_file)
        self._published = {_id_of(self._key): self._key.public_key()}

    def roll_over(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on; the former stays published unless it is withdrawn."""
        self._key = _new_key(self._key_file)
        former = {} if withdraw else self._published
        self._published = {**former, _id_of(self._key): self._key.public_key()}

    def issue(
        self,
        principal: Principal,
        audience: str,
        *,
        lifetime_seconds: int = LIFETIME_SECONDS,
        claims: Mapping[str, object] | None = None,
    ) -> tuple[str, int]:
        """Return a token for `audience` and the second since 1970 at which it expires."""
        now = int(time.time())
        expires = now + lifetime_seconds
        body: dict[str, object] = {
            "aud": audience.rstrip("/"),
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": expires,
            "tid": self.tenant_id,
            "appid": principal.app_id,
            "oid": principal.object_id,
            "sub": principal.object_id,
            "idtyp": "app",
            "roles": list(principal.roles),
            "uti": uuid4().hex,
            "ver": "1.0",
            **(claims or {}),
        }
        return self.sign(body), expires

    def sign(self, body: Mapping[str, object]) -> str:
        """Return a token that says just that, signed with the present key."""
        headers = {"kid": _id_of(self._key)}
        return jwt.encode(dict(body), self._key, algorithm="RS256", headers=headers)

    def verify(self, token: str, audiences: Sequence[str]) -> dict[str, Any]:
        """Return the claims of a token that is valid for one of `audiences`.

        Raises:
            PermissionError: the signature, issuer, audience or times are wrong; says which.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            return jwt.decode(
                token,
                self._published.get(key_id or "", self._key.public_key()),
                algorithms=["RS256"],
                audience=[audience.rstrip("/") for audience in audiences],
                issuer=self.issuer,
            )
        except jwt.PyJWTError as error:
            raise PermissionError(f"access token refused: {error}") from error

    def keys(self) -> dict[str, Collection[object]]:
        """Return the public keys as a JSON Web Key Set."""
        return {
            "keys": [
                {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": key_id, "use": "sig"}
                for key_id, key in self._published.items()
            ]
        }


def _signing_key(key_file: Path | None) -> rsa.RSAPrivateKey:
    if key_file and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{key_file} holds no RSA private key; delete it and start again")
        return key
    return _new_key(key_file)


def _new_key(key_file: Path | None) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if key_file:
        key_file.parent.mkdir(parents=True, exist_ok=True)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return key


def _id_of(key: rsa.RSAPrivateKey) -> str:
    modulus = key.public_key().public_numbers().n.to_bytes(256)
    return base64.urlsafe_b64encode(modulus[:15]).decode()
