"""A company that uses Tether: its Outlook, its Dynamics and its queues, over real sockets.

Works from the addresses in `stack.json` alone, so it serves a stack of this process as well as one
that runs in another.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from bench.calendars import AS_SHOWN
from tests.system.waiting import eventually

TRACKED = "Tracked To Dynamics 365"
GRAPH = "https://graph.microsoft.com"
Row = dict[str, Any]
_IMMUTABLE = 'IdType="ImmutableId"'
_READ = (
    "id,internetMessageId,subject,from,toRecipients,ccRecipients,bccRecipients,categories,"
    "parentFolderId,isDraft"
)


class Company:
    """One tenant with Tether running in it; an async context manager.

    A person is named by the part of the address before the `@`, e.g. `ada`.
    """

    def __init__(self, addresses: Mapping[str, Any]) -> None:
        self.graph_url: str = addresses["graph"]
        self.dataverse_url: str = addresses["dataverse"]
        self.functions_url: str = addresses["functions"]
        self._environment: dict[str, str] = addresses["env"]
        self.people: dict[str, Row] = {
            one["upn"].partition("@")[0]: one for one in addresses["mailboxes"]
        }
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()

    # Outlook

    async def deliver(
        self, person: str, raw: bytes, *, categories: str = "", folder: str = "inbox"
    ) -> Row:
        """Have a raw message arrive, and return its ids."""
        address = f"{self.graph_url}/_sandbox/mailboxes/{self.people[person]['upn']}/deliver"
        query = {"categories": categories, "folder": folder}
        async with self.http.post(address, data=raw, params=query) as answer:
            assert answer.status == 201, await answer.text()
            message: Row = await answer.json()
            return message

    async def import_calendar(self, person: str, raw: bytes, *, categories: str = "") -> Row:
        """Import an iCalendar file, and return what came of it."""
        address = f"{self.graph_url}/_sandbox/mailboxes/{self.people[person]['upn']}/import"
        query = {"categories": categories}
        async with self.http.post(address, data=raw, params=query) as answer:
            assert answer.status == 201, await answer.text()
            came: Row = await answer.json()
            return came

    async def graph(
        self, method: str, path: str, body: object = None, *, prefer: str = _IMMUTABLE
    ) -> Row:
        """Call Graph with a person's path, e.g. `/users/{ada}/messages`, and return its answer."""
        ids = {name: person["id"] for name, person in self.people.items()}
        headers = {"Prefer": prefer, "Authorization": f"Bearer {await self._token(GRAPH)}"}
        address = f"{self.graph_url}/v1.0{path.format(**ids)}"
        async with self.http.request(method, address, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            document: Row = await answer.json() if answer.status in {200, 201} else {}
            return document

    async def as_shown(self, path: str) -> Row:
        """Return the answer to a GET, with times in UTC and bodies as text."""
        return await self.graph("GET", path, prefer=AS_SHOWN["Prefer"])

    async def categorize(self, person: str, item: str, *categories: str) -> None:
        """Set a mail's categories, as a click in Outlook does."""
        await self.graph("PATCH", _message(person, item), {"categories": list(categories)})

    async def move(self, person: str, item: str, folder: str) -> None:
        """Move a mail to a folder."""
        await self.graph("POST", f"{_message(person, item)}/move", {"destinationId": folder})

    async def delete(self, person: str, item: str) -> None:
        """Delete a mail for good."""
        await self.graph("POST", f"{_message(person, item)}/permanentDelete")

    async def messages(self, person: str) -> list[Row]:
        """Return every mail of a mailbox."""
        mails: list[Row] = []
        path = f"/users/{{{person}}}/messages?$top=500&$select={_READ}"
        while path:
            page = await self.graph("GET", path)
            mails += page["value"]
            path = page.get("@odata.nextLink", "").removeprefix(f"{self.graph_url}/v1.0")
        return mails

    async def folder(self, person: str, name: str) -> str:
        """Return the id of a well-known folder."""
        return str((await self.graph("GET", f"/users/{{{person}}}/mailFolders/{name}"))["id"])

    # Dynamics

    async def rows(self, query: str) -> list[Row]:
        """Return the rows of a query, e.g. `emails?$select=subject`."""
        rows: list[Row] = []
        address = f"{self.dataverse_url}/api/data/v9.2/{query}"
        while address:
            async with self.http.get(address, headers=await self._dataverse_headers()) as answer:
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            rows += page["value"]
            address = page.get("@odata.nextLink", "")
        return rows

    async def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        """Write a row, as a person in Dynamics does, and return its id."""
        address = f"{self.dataverse_url}/api/data/v9.2/{path}"
        headers = await self._dataverse_headers()
        async with self.http.request(method, address, json=body, headers=headers) as answer:
            assert answer.status == 204, await answer.text()
            return answer.headers.get("OData-EntityId", "").rpartition("(")[2].rstrip(")")

    async def choose_filter(self, person: str, method: int) -> None:
        """Set a person's option on the E-mail tab (server-side-sync.md 1.2)."""
        path = f"usersettingscollection({self.people[person]['systemuserid']})"
        await self.write("PATCH", path, {"incomingemailfilteringmethod": method})

    async def activity(self, message_id: str, *, outgoing: bool | None = None) -> Row:
        """Return the one activity of a mail, as soon as it is there and completed.

        Mail between users has two unless the organisation decides otherwise: `outgoing` says which.
        """
        which = "" if outgoing is None else f" and directioncode eq {str(outgoing).lower()}"
        sought = quote(message_id.replace("'", "''"), safe="")

        async def look() -> list[Row]:
            return await self.rows(
                f"emails?$filter=messageid eq '{sought}' and statecode eq 1{which}"
            )

        (found,) = await eventually(look)
        return found

    async def links(self, *, item: str = "", message_id: str = "") -> list[Row]:
        """Return the links of an item, or of a mail in all mailboxes."""
        column, sought = (
            ("tether_itemid", item) if item else ("tether_internetmessageid", message_id)
        )
        value = quote(sought.replace("'", "''"), safe="")
        found = await self.rows(f"tether_links?$filter={column} eq '{value}'")
        # Dynamics compares text without regard to case, but the ids of two items may differ by it.
        return [row for row in found if row[column] == sought]

    # The sandbox and the queues

    async def control(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Call the sandbox's own API, e.g. `GET /stats`."""
        address = f"{self.graph_url}/_sandbox{path}"
        async with self.http.request(method, address, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status == 200 else None

    async def faults(self, *faults: Row) -> None:
        """Put faults in force instead of those before."""
        await self.control("PUT", "/faults", list(faults))

    async def struck(self, number: int = 1) -> None:
        """Wait until the planned faults have hit so many times in all."""

        async def look() -> bool:
            faults: list[Row] = (await self.control("GET", "/faults"))["value"]
            hits: int = sum(fault["hits"] for fault in faults)
            return hits >= number

        await eventually(look)

    async def stats(self) -> Row:
        """Return the sandbox's request counters."""
        counters: Row = await self.control("GET", "/stats")
        return counters

    async def queue(self, name: str) -> dict[str, int]:
        """Return how many messages a queue holds, by their state."""
        counts: dict[str, int] = (await self.stats())["servicebus"]["queues"][name]
        return counts

    async def quiet(self, *, seconds: float = 20, held: int = 0) -> None:
        """Wait until everything Outlook told of has been dealt with, or waits for its time.

        `held` notifications are kept back by a fault.
        """

        async def look() -> bool:
            told = await self.control("GET", "/notifications")
            queues = (await self.stats())["servicebus"]["queues"]
            again = await self.control("GET", "/notifications")
            busy = [queues[name][state] for name in _WORKED for state in ("active", "locked")]
            return told["pending"] == again["pending"] == held and not any(busy)

        await eventually(look, seconds=seconds)

    async def _dataverse_headers(self) -> dict[str, str]:
        token = await self._token(self.dataverse_url)
        return {"Authorization": f"Bearer {token}", "If-None-Match": "null"}

    async def _token(self, resource: str) -> str:
        if resource not in self._tokens:
            async with self.http.get(
                self._environment["IDENTITY_ENDPOINT"],
                params={"resource": resource, "api-version": "2019-08-01"},
                headers={"X-IDENTITY-HEADER": self._environment["IDENTITY_HEADER"]},
            ) as answer:
                assert answer.status == 200, await answer.text()
                self._tokens[resource] = (await answer.json())["access_token"]
        return self._tokens[resource]


_WORKED: Sequence[str] = ("mail", "calendar", "contacts", "tasks", "lifecycle")


def _message(person: str, item: str) -> str:
    return f"/users/{{{person}}}/messages/{quote(item, safe='')}"
