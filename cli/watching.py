"""What is subscribed to: what the rows say, beside what Graph lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.clients import Clients
from shared.dataverse.standing import Standing
from shared.errors import Transient
from shared.graph.client import Graph, GraphRequest
from shared.graph.subscriptions import SUBSCRIBED_KINDS
from shared.identifiers import Kind
from shared.sync.subscribing import Subscriber

LIVE, MISSING, EXPIRED, FORMER = "live", "missing", "expired", "former"


@dataclass(frozen=True, slots=True)
class Watched:
    """One kind of item in one mailbox; `state` is live, missing, expired or former.

    Former is one that was made with another key or for another address: it does not reach the app.
    """

    mailbox: str
    kind: str
    state: str
    id: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watching:
    """All that is watched, and the subscriptions of the app that no row knows."""

    watched: tuple[Watched, ...]
    unknown: tuple[dict[str, Any], ...]


async def listed_subscriptions(graph: Graph) -> list[dict[str, Any]]:
    """Return the subscriptions that Graph lists for the app.

    Raises:
        Transient: Graph does not list them now.
    """
    url, found = "/subscriptions", list[dict[str, Any]]()
    while url:
        (answer,) = await graph.batch([GraphRequest("GET", url, headers={})])
        if not answer.ok:
            raise Transient(answer.problem, retry_after=answer.retry_after)
        found += answer.body["value"]
        url = str(answer.body.get("@odata.nextLink") or "").partition("/v1.0")[2]
    return found


def compare(
    standings: Iterable[Standing], listed: Sequence[dict[str, Any]], *, seal: str, now: datetime
) -> Watching:
    """Say how each subscription of the enrolled mailboxes stands. Pure."""
    enrolled = [one for one in standings if one.state == "enrolled"]
    at_graph = {one["id"]: one for one in listed}
    watched = [
        _watched(one, kind, at_graph, seal=seal, now=now)
        for one in enrolled
        for kind in SUBSCRIBED_KINDS
    ]
    known = {one.id for one in watched}
    return Watching(
        tuple(watched), tuple(one for name, one in at_graph.items() if name not in known)
    )


def present_seal(clients: Clients) -> str:
    """Return what subscriptions are made with now."""
    return Subscriber(
        clients.graph,
        clients.keys,
        kinds=SUBSCRIBED_KINDS,
        webhook_base_url=clients.settings.webhook_base_url,
        now=lambda: datetime.now(UTC),
    ).seal


def _watched(
    one: Standing, kind: Kind, at_graph: dict[str, dict[str, Any]], *, seal: str, now: datetime
) -> Watched:
    name, subscription = one.name or one.id, one.subscriptions.get(kind)
    if subscription is None:
        return Watched(name, kind, MISSING)
    state = LIVE
    if subscription.expires <= now:
        state = EXPIRED
    elif subscription.id not in at_graph:
        state = MISSING
    elif subscription.seal != seal:
        state = FORMER
    return Watched(name, kind, state, subscription.id, subscription.expires)
