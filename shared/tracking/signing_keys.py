"""The keys the tenant signs tokens with: fetched once, kept, and asked for again when unknown."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from azure.core import AsyncPipelineClient
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import UserAgentPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from jwt import PyJWK, PyJWKSet, PyJWTError

from shared.errors import Transient

_LIFETIME = timedelta(days=1)  # so long a key that was withdrawn is still believed
_BETWEEN_SURPRISES = timedelta(minutes=1)
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 5
logger = logging.getLogger("tether.api")


class KeySource(Protocol):
    """Where the keys are published."""

    async def read(self) -> Mapping[str, PyJWK]:
        """Return the keys by their ids.

        Raises:
            Transient: they could not be read.
        """


class PublishedKeys:
    """The keys of a JSON Web Key Set at an address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            base_url=url, policies=[UserAgentPolicy("tether")]
        )

    async def read(self) -> Mapping[str, PyJWK]:
        """See `KeySource.read`."""
        try:
            answer = await self._client.send_request(
                HttpRequest("GET", self._url),
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
            )
            answer.raise_for_status()
        except AzureError as error:
            raise Transient(f"the signing keys cannot be read: {error}") from error
        try:
            found = PyJWKSet.from_dict(answer.json())
        except (PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise Transient(f"the signing keys are no key set: {error}") from error
        return {key.key_id: key for key in found.keys if key.key_id and key.key_type == "RSA"}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return the moment it is."""


class SigningKeys:
    """The keys of a source, kept for a day.

    An unknown id has them read again, at most once a minute, so that made-up ids cost the source
    nothing. While the source is away, what is known goes on being used.
    """

    def __init__(self, source: KeySource, now: Clock) -> None:
        self._source = source
        self._now = now
        self._keys: Mapping[str, PyJWK] = {}
        self._due: datetime | None = None
        self._surprised: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self._away = False

    async def find(self, key_id: str) -> PyJWK | None:
        """Return the key of that id; None: the tenant has no such key.

        Raises:
            Transient: the key is not known, and the source cannot be asked.
        """
        now = self._now()
        known = self._keys.get(key_id)
        if known is None:
            await self._look_again(now)
            return self._keys.get(key_id)
        if self._due is None or now >= self._due:
            self._due = now + _BETWEEN_SURPRISES
            self._read_aside()
        return known

    async def _look_again(self, now: datetime) -> None:
        rested = self._surprised is None or now - self._surprised >= _BETWEEN_SURPRISES
        if not self._keys or rested:
            if self._keys:
                self._surprised = now
            # Shielded: a caller who hangs up must not end what others wait for.
            await asyncio.shield(self._read_aside())
        if self._away:
            raise Transient("the signing keys cannot be read")

    def _read_aside(self) -> asyncio.Task[None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            self._keys = await self._source.read()
            self._due = self._now() + _LIFETIME
            self._away = False
        except Transient as problem:
            self._away = True
            logger.error("%s", problem)
