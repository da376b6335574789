"""Graph's proof that whoever asks for notifications owns the webhook (graph.md 1.5)."""

import html
import ipaddress
from http import HTTPStatus
from urllib.parse import quote_plus
from uuid import uuid4

import aiohttp
from yarl import URL

from sandbox.graph.errors import GraphError, bad_request

_REFUSED = (
    "Subscription validation request failed. Notification endpoint must respond with 200 OK to "
    "validation request."
)


def check_url(name: str, value: object) -> str:
    """Return a notification URL: https, or http to this machine.

    Raises:
        GraphError: 400, it is neither.
    """
    url = URL(value) if isinstance(value, str) else URL()
    if url.scheme == "https" and url.host:
        return str(value)
    if url.scheme == "http" and _is_loopback(url.host or ""):
        return str(value)
    raise bad_request(f"{name} must be an absolute HTTPS URL.", "InvalidRequest")


async def validate(session: aiohttp.ClientSession, url: str, timeout_seconds: float) -> None:
    """Call the webhook with a token, which it must echo as text/plain with status 200.

    Raises:
        GraphError: 400, it does not, or not in time.
    """
    token = (
        "Validation: Testing client application reachability for subscription Request-Id: "
        f"{uuid4()}"
    )
    joint = "&" if "?" in url else "?"
    address = URL(f"{url}{joint}validationToken={quote_plus(token)}", encoded=True)
    try:
        async with session.post(
            address,
            data=b"",
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
            allow_redirects=False,
        ) as response:
            echoed = await response.content.read(16_384)
            status, kind = response.status, response.content_type
    except TimeoutError:
        text = "Subscription validation request timed out."
        raise GraphError(400, "ValidationError", text) from None
    except (aiohttp.ClientError, OSError) as error:
        raise GraphError(400, "ValidationError", _REFUSED) from error
    if status != 200:
        phrase = HTTPStatus(status).phrase.replace(" ", "") if status in _STATUSES else str(status)
        text = f"{_REFUSED} HTTP status code is '{phrase}'."
        raise GraphError(400, "ValidationError", text)
    if kind != "text/plain" or echoed.decode("utf-8", "replace") not in (token, html.escape(token)):
        raise GraphError(400, "ValidationError", _REFUSED)


_STATUSES = {status.value for status in HTTPStatus}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
