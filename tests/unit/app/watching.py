"""A Graph in which every kind of item can be watched, and enrolment on it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sandbox.dataverse.rows import Row
from sandbox.store import Document
from shared.dataverse.batch import ChangeSet, Operation, Response
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import Kind, MailboxId
from shared.sync.enrolment import Enrolment
from shared.sync.subscribing import Subscriber
from tests.unit.app.sides import Ground, InProcessDataverse

KINDS = (Kind.MAIL, Kind.CALENDAR, Kind.CONTACTS)
SEGMENTS = {
    "messages": Kind.MAIL,
    "events": Kind.CALENDAR,
    "contacts": Kind.CONTACTS,
    "todo": Kind.TASKS,
}
OLD_KEY = {"k1": b"0123456789abcdef0123456789abcdef"}
NEW_KEY = {"k2": b"fedcba9876543210fedcba9876543210"}
ZONE = "W. Europe Standard Time"


def refusal(status: int, message: str) -> GraphResponse:
    return GraphResponse(status, {"error": {"code": "Refused", "message": message}})


def kind_of(resource: str) -> Kind:
    """Return the kind of item a `users/{id}/...` resource is about."""
    return SEGMENTS[re.split(r"[/?]", resource)[2]]


@dataclass
class WatchedGraph:
    """Subscriptions, folders and time zones; `refused` kinds cannot be subscribed to."""

    now: Callable[[], datetime]
    subscriptions: dict[str, Document] = field(default_factory=dict)
    refused: dict[Kind, int] = field(default_factory=dict)
    time_zone: GraphResponse = field(default_factory=lambda: GraphResponse(200, {"value": ZONE}))
    asked: list[list[GraphRequest]] = field(default_factory=list)

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        """See `Graph.batch`; what is asked is kept in `asked`, call by call."""
        if requests:
            self.asked.append(list(requests))
        return [self._answer(request) for request in requests]

    def of(self, mailbox: str) -> dict[Kind, str]:
        """Return the ids of a mailbox's live subscriptions."""
        return {
            kind_of(one["resource"]): one["id"]
            for one in self._live()
            if one["resource"].split("/")[1] == mailbox
        }

    def urls(self) -> list[str]:
        """Return what has been asked, in order."""
        return [f"{one.method} {one.url}" for asked in self.asked for one in asked]

    def _live(self) -> list[Document]:
        now = self.now()
        ends = datetime.fromisoformat
        return [one for one in self.subscriptions.values() if ends(one["expirationDateTime"]) > now]

    def _answer(self, request: GraphRequest) -> GraphResponse:
        if request.url.endswith("/mailboxSettings/timeZone"):
            return self.time_zone
        if "/mailFolders/" in request.url:
            return GraphResponse(200, {"id": request.url})
        if request.method == "POST":
            return self._create(request.body or {})
        return self._one(request, request.url.removeprefix("/subscriptions/"))

    def _one(self, request: GraphRequest, key: str) -> GraphResponse:
        if key not in {one["id"] for one in self._live()}:
            return refusal(404, "The object was not found.")
        if request.method == "DELETE":
            del self.subscriptions[key]
            return GraphResponse(204)
        self.subscriptions[key] |= request.body or {}
        return GraphResponse(200, self.subscriptions[key])

    def _create(self, body: Document) -> GraphResponse:
        if status := self.refused.get(kind_of(body["resource"])):
            return refusal(status, "Access is denied.")
        for one in self._live():
            if one["resource"] == body["resource"]:
                said = f"Subscription Id {one['id']} already exists for the requested combination"
                return refusal(409, said)
        key = str(UUID(int=len(self.asked) * 1000 + len(self.subscriptions)))
        self.subscriptions[key] = {"id": key, **body}
        return GraphResponse(201, self.subscriptions[key])


class CountedDataverse:
    """Dataverse, and how many rows each batch wrote."""

    def __init__(self, dataverse: InProcessDataverse) -> None:
        self.real = dataverse
        self.read_all = dataverse.read_all
        self.writes: list[int] = []

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        """See `Dataverse.batch`."""
        written = [one for one in parts if isinstance(one, Operation) and one.method == "PATCH"]
        if written:
            self.writes.append(len(written))
        return await self.real.batch(parts)


class Watching:
    """Three ready mailboxes of which nothing is enrolled; time stands unless it is moved."""

    def __init__(self, ground: Ground) -> None:
        self.now = datetime(2026, 11, 2, 8, tzinfo=UTC)
        self.tenant = ground.tenant
        self.graph = WatchedGraph(lambda: self.now)
        self.dataverse = CountedDataverse(ground.fresh()[1])
        self.people = [person.id for person in ground.tenant.people]

    def enrolment(
        self, keys: Mapping[str, bytes] = OLD_KEY, kinds: Sequence[Kind] = KINDS
    ) -> Enrolment:
        """Return an instance of the app with these keys."""
        subscriber = Subscriber(
            self.graph,
            ClientStateKeys(self.tenant.tenant_id, keys),
            kinds=kinds,
            webhook_base_url="https://tether.example",
            now=lambda: self.now,
        )
        return Enrolment(self.graph, self.dataverse, subscriber, lambda: self.now)

    async def enrol(
        self, keys: Mapping[str, bytes] = OLD_KEY, kinds: Sequence[Kind] = KINDS
    ) -> None:
        """Make a pass; only what it asks and writes is counted from here."""
        self.graph.asked.clear()
        self.dataverse.writes.clear()
        await self.enrolment(keys, kinds).enrol_and_renew()

    def event(self, mailbox: str, kind: Kind, event: str) -> LifecycleEvent:
        """Return what Graph says about a mailbox's subscription."""
        told = {
            "event": event,
            "subscription": self.graph.of(mailbox).get(kind, "gone"),
            "subject": Subject(MailboxId(mailbox), kind),
            "noticed": self.now,
        }
        return LifecycleEvent.model_validate(told)

    def row(self, mailbox: str) -> Row:
        """Return a `tether_mailbox` row."""
        return self.dataverse.real.rows("tether_mailbox")[mailbox]

    def noted(self, mailbox: str) -> dict[Kind, str]:
        """Return the subscriptions a row tells of."""
        row = self.row(mailbox)
        found = {kind: row.get(f"tether_{kind}subscriptionid") for kind in KINDS}
        return {kind: subscription for kind, subscription in found.items() if subscription}

    def set_row(self, mailbox: str, **values: object) -> None:
        """Set columns of a `tether_mailbox` row."""
        rows = self.dataverse.real.organization.rows
        rows.put("tether_mailbox", mailbox, {**self.row(mailbox), **values})
