"""Finds which item of a mailbox is meant, by whatever an administrator has at hand of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cli.why.describing import Described, described_by
from shared.dataverse.client import Dataverse
from shared.dataverse.links import TARGETS
from shared.graph.client import IMMUTABLE_IDS, Graph, GraphRequest
from shared.identifiers import ItemId, Kind, MailboxId
from shared.tracking.contract import ITEM_ID
from shared.tracking.finding import refused

MOST = 10
SEARCHED = timedelta(days=366)
"""How far back a subject is searched for: all of a large mailbox would take too long."""
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_TASK = re.compile(r"[A-Za-z0-9_=-]+[/~][A-Za-z0-9_=-]+")
_KINDS = {target.code: kind for kind, target in TARGETS.items()}


@dataclass(frozen=True, slots=True)
class Source:
    """Where Graph has the items of a kind: what of them is read, searched and ordered by.

    `everywhere` is what names one in every mailbox.
    """

    path: str
    select: str
    subject: str
    age: str
    everywhere: str = ""


_SOURCES = {
    Kind.MAIL: Source(
        "messages",
        "id,subject,receivedDateTime,internetMessageId,parentFolderId",
        "subject",
        "receivedDateTime",
        "internetMessageId",
    ),
    Kind.CALENDAR: Source(
        "events", "id,subject,start,end,iCalUId", "subject", "lastModifiedDateTime", "iCalUId"
    ),
    Kind.CONTACTS: Source(
        "contacts",
        "id,displayName,givenName,surname,companyName,lastModifiedDateTime",
        "displayName",
        "lastModifiedDateTime",
    ),
}


@dataclass(frozen=True, slots=True)
class Search:
    """One question to Graph; what is found by an `exact` name is what is meant."""

    kind: Kind
    request: GraphRequest
    exact: bool


class Naming:
    """Finds items of one mailbox by name."""

    def __init__(self, graph: Graph, dataverse: Dataverse, mailbox: MailboxId) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self._mailbox = mailbox

    async def find(self, name: str, kind: Kind | None, now: datetime) -> list[Described]:
        """Return what may be meant, the newest first: one item, or up to ten.

        What Outlook does not have any more is found by what Dynamics remembers of it.

        Raises:
            Refusal: the mailbox cannot be reached.
            Transient: Graph or Dataverse did not answer.
            Permanent: whoever asks may not read the links.
        """
        if kind is Kind.TASKS and re.fullmatch(_TASK, name):
            return [Described(kind, ItemId(name.replace("~", "/")), "")]
        searches = list(self._searches(name, kind, now - SEARCHED))
        answers = await self._graph.batch([search.request for search in searches])
        found: dict[ItemId, Described] = {}
        for search, answer in zip(searches, answers, strict=True):
            if answer.status in {400, 404}:
                continue
            if not answer.ok:
                raise refused(answer)
            rows = answer.body.get("value", [answer.body])
            some = [described_by(search.kind, row) for row in rows]
            if search.exact and some:
                return some[:1]
            found |= {one.item: one for one in some}
        if found:
            long_ago = datetime.min.replace(tzinfo=UTC)
            newest = sorted(found.values(), key=lambda one: one.when or long_ago, reverse=True)
            return newest[:MOST]
        return await self._remembered(name, kind)

    def _searches(self, name: str, kind: Kind | None, since: datetime) -> Iterator[Search]:
        """What names an item alone comes before what many may share."""
        kinds = [kind] if kind else [Kind.MAIL, Kind.CALENDAR]
        sources = [(one, _SOURCES[one]) for one in kinds if one in _SOURCES]
        if _MESSAGE_ID.fullmatch(name):
            sources = [(one, source) for one, source in sources if one is Kind.MAIL]
        elif re.fullmatch(ITEM_ID, name):
            for one, source in sources:
                yield Search(one, self._get(f"{source.path}/{quote(name, safe='')}", source), True)
        for one, source in sources:
            if source.everywhere and not re.search(r"\s", name):
                yield Search(
                    one, self._list(source, f"{source.everywhere} eq {_literal(name)}"), True
                )
        if not _MESSAGE_ID.fullmatch(name):
            for one, source in sources:
                # What is ordered by has to be filtered by first.
                day = since.strftime("%Y-%m-%dT00:00:00Z")
                part = f"{source.age} ge {day} and contains({source.subject},{_literal(name)})"
                order = f"&$orderby={source.age}%20desc&$top={MOST}"
                yield Search(one, self._list(source, part, order), False)

    def _get(self, path: str, source: Source) -> GraphRequest:
        url = f"/users/{self._mailbox}/{path}?$select={source.select}"
        return GraphRequest("GET", url, self._mailbox)

    def _list(self, source: Source, condition: str, order: str = "") -> GraphRequest:
        request = self._get(source.path, source)
        url = f"{request.url}&$filter={quote(condition, safe='')}{order}"
        return GraphRequest("GET", url, self._mailbox, dict(IMMUTABLE_IDS))

    async def _remembered(self, name: str, kind: Kind | None) -> list[Described]:
        value = _literal(name)
        either = [
            f"{column} eq {value}"
            for column in ("tether_itemid", "tether_internetmessageid", "tether_globalid")
        ]
        conditions = [
            f"_tether_mailboxid_value eq {self._mailbox}",
            f"({' or '.join((*either, f'contains(tether_name,{value})'))})",
        ]
        if kind:
            conditions.append(f"tether_kind eq {TARGETS[kind].code}")
        rows = await self._dataverse.read_all(
            "tether_links?$select=tether_itemid,tether_kind,tether_name,tether_internetmessageid,"
            f"tether_globalid,modifiedon&$filter={quote(' and '.join(conditions), safe='')}"
            f"&$orderby=modifiedon%20desc&$top={MOST}"
        )
        return [
            Described(
                _KINDS[row["tether_kind"]],
                ItemId(row["tether_itemid"]),
                row["tether_name"] or "",
                datetime.fromisoformat(row["modifiedon"]),
                row["tether_internetmessageid"] or row["tether_globalid"] or "",
            )
            for row in rows
            if row["tether_kind"] in _KINDS and row["tether_itemid"]
        ]


def _literal(text: str) -> str:
    return f"'{text.replace("'", "''")}'"
