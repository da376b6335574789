"""Outlook's add-in as the app meets it: what people ask of the API, each with a token of theirs."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from bench.signing_in import token_of
from bench.stack import TetherStack
from shared.identifiers import Kind


@dataclass(frozen=True, slots=True)
class Told:
    """What the API answered."""

    status: int
    document: dict[str, Any]

    @property
    def state(self) -> str:
        """How the item or the mailbox stands; of a refusal its code."""
        told: str = self.document["code" if self.status >= 400 else "state"]
        return told


class AddIn:
    """Calls the API of a stack."""

    def __init__(self, stack: TetherStack, http: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._people = {person.upn: person for person in stack.services.tenant.people}
        self._http = http
        self._tokens: dict[str, str] = {}

    async def ask(
        self, upn: str, method: str, path: str, body: object = None, **query: str
    ) -> Told:
        """Ask as a person, e.g. `ask(upn, "GET", "mailbox")`."""
        address = f"{self._stack.functions_url}/api/{path}"
        headers = {"Authorization": f"Bearer {await self._token(upn)}"}
        async with self._http.request(
            method, address, json=body, params=query, headers=headers
        ) as answer:
            return Told(answer.status, await answer.json(content_type=None))

    async def look(self, upn: str, item: str, kind: Kind = Kind.MAIL) -> Told:
        """Ask how an item stands."""
        return await self.ask(upn, "GET", _path(item), kind=kind)

    async def save(self, upn: str, item: str, kind: Kind = Kind.MAIL, **wish: object) -> Told:
        """Save an item."""
        return await self.ask(upn, "PUT", _path(item), wish or None, kind=kind)

    async def remove(self, upn: str, item: str, kind: Kind = Kind.MAIL, **how: str) -> Told:
        """Remove an item."""
        return await self.ask(upn, "DELETE", _path(item), kind=kind, **how)

    async def _token(self, upn: str) -> str:
        if upn not in self._tokens:
            services = self._stack.services
            form = self._stack.signing_in.form(self._people[upn])
            self._tokens[upn] = await token_of(
                services.identity.url, services.tenant.tenant_id, form
            )
        return self._tokens[upn]


def _path(item: str) -> str:
    return f"items/{quote(item.replace('/', '~'), safe='~')}"
