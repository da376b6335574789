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
        self._key = _signing_key(key_file)
        self._key_id = base64.urlsafe_b64encode(
            self._key.public_key().public_numbers().n.to_bytes(256)[:15]
        ).decode()

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
        return (
            jwt.encode(body, self._key, algorithm="RS256", headers={"kid": self._key_id}),
            expires,
        )

    def verify(self, token: str, audiences: Sequence[str]) -> dict[str, Any]:
        """Return the claims of a token that is valid for one of `audiences`.

        Raises:
            PermissionError: the signature, issuer, audience or times are wrong; says which.
        """
        try:
            return jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=[audience.rstrip("/") for audience in audiences],
                issuer=self.issuer,
            )
        except jwt.PyJWTError as error:
            raise PermissionError(f"access token refused: {error}") from error

    def keys(self) -> dict[str, Collection[object]]:
        """Return the public keys as a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}


def _signing_key(key_file: Path | None) -> rsa.RSAPrivateKey:
    if key_file and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{key_file} holds no RSA private key; delete it and start again")
        return key
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
