"""Who may come in: shared access signatures, and the JWTs somebody else can judge."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote_plus

from sandbox.servicebus.broker.errors import unauthorized

_SAS, _JWT = "servicebus.windows.net:sastoken", "jwt"
_SAS_SCHEME = "SharedAccessSignature"


def entity_path(address: str) -> str:
    """Return the path in an address such as `amqps://host:port/queue`, lower-case."""
    _, scheme, rest = address.partition("://")
    path = rest.partition("/")[2] if scheme else address
    return path.strip("/").lower()


def within(path: str, scope: str) -> bool:
    """Tell whether a path is the scope itself or lies below it; the empty scope is everything."""
    return not scope or path == scope or path.startswith(scope + "/")


class Gate:
    """Judges the tokens that clients put on `$cbs`.

    `tokens` is called with a JWT and raises PermissionError when it will not do; without it no JWT
    will. A signature's expiry is compared with the machine's time, by which its maker went, not
    with the sandbox's clock.
    """

    def __init__(
        self, key_name: str, key: str, tokens: Callable[[str], None] | None = None
    ) -> None:
        self._key_name = key_name
        self._key = key
        self._tokens = tokens

    def admit(self, kind: str, token: str, audience: str) -> None:
        """Let a token through for an audience (an entity's address).

        Raises:
            BrokerError: forged, expired, for something else, or of an unknown kind.
        """
        if kind not in {_SAS, _JWT}:
            raise unauthorized(f"Tokens of type '{kind}' are not accepted.")
        # The SDK's asyncio client announces its shared access signatures as JWTs.
        if kind == _SAS or token.startswith(_SAS_SCHEME + " "):
            self._check_signature(token, audience)
        elif self._tokens:
            try:
                self._tokens(token)
            except PermissionError as error:
                raise unauthorized(str(error)) from error
        else:
            raise unauthorized("Only shared access signatures are accepted here.")

    def _check_signature(self, token: str, audience: str) -> None:
        scheme, _, rest = token.partition(" ")
        try:
            parts = {
                name: values[0] for name, values in parse_qs(rest, strict_parsing=True).items()
            }
            resource, key_name = parts["sr"], parts["skn"]
            expiry, given = int(parts["se"]), base64.b64decode(parts["sig"], validate=True)
        except (KeyError, ValueError, binascii.Error) as error:
            raise unauthorized("Malformed shared access signature.") from error
        signed = f"{quote_plus(resource)}\n{expiry}".encode()
        expected = hmac.new(self._key.encode(), signed, hashlib.sha256).digest()
        if scheme != _SAS_SCHEME or key_name != self._key_name:
            raise unauthorized("Unknown shared access policy.")
        if not hmac.compare_digest(given, expected):
            raise unauthorized("Invalid signature.")
        if expiry <= time.time():
            raise unauthorized("The token has expired.")
        if not within(entity_path(audience), entity_path(resource)):
            raise unauthorized(f"The token is for '{resource}', not for '{audience}'.")
