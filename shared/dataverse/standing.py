"""How each mailbox stands: what Dynamics says of it, and what Tether keeps of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.dataverse.client import Dataverse
from shared.dataverse.freshness import freshness_of_mailboxes
from shared.dataverse.mailboxes import ALL_MAILBOXES, users_of
from shared.dataverse.readiness import COLUMNS, OWN_COLUMNS, Condition, NativeSync
from shared.dataverse.rows import read_rows
from shared.dataverse.seats import read_terms
from shared.dataverse.subscriptions import KINDS, Subscription, columns_of
from shared.dataverse.waiting_requests import ALL_REQUESTS
from shared.identifiers import Kind, MailboxId

_STATES = {1: "enrolled", 2: "suspended"}
# A mailbox that nobody set to server-side sync is not meant to sync.
_INTENDED = (
    "incomingemaildeliverymethod%20eq%202%20or%20outgoingemaildeliverymethod%20eq%202"
    "%20or%20actdeliverymethod%20eq%201"
)
_DYNAMICS = f"mailboxes?$select=_regardingobjectid_value,{','.join(COLUMNS)}&$filter={_INTENDED}"
_TETHER = f"{ALL_MAILBOXES},tether_lasterror,{','.join(OWN_COLUMNS)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """One mailbox; `fresh` is when something of it last changed in Dynamics.

    `state` is empty for one that is not enrolled; `lacking` is None where nothing means it to sync.
    `noted` stops nothing, but must be mended. `pending` is how many saves and removals wait for it.
    """

    id: MailboxId
    name: str
    state: str = ""
    lacking: tuple[Condition, ...] | None = None
    noted: tuple[Condition, ...] = ()
    fresh: datetime | None = None
    catch_up_needed_since: datetime | None = None
    catch_up_reason: str = ""
    last_error: str = ""
    subscriptions: Mapping[Kind, Subscription] = field(default_factory=dict)
    pending: int = 0

    @property
    def ready(self) -> bool:
        """Whether it may sync."""
        return self.lacking == ()


@dataclass(frozen=True, slots=True)
class _Readiness:
    """What is known of the mailbox of an enabled user."""

    name: str
    lacking: tuple[Condition, ...] | None
    noted: tuple[Condition, ...]


async def read_standings(
    dataverse: Dataverse,
    native: NativeSync = NativeSync.BESIDE,
    *,
    with_links: bool = True,
) -> list[Standing]:
    """Return how every mailbox stands that Tether knows or is meant to sync, by name.

    Without `with_links` there is no `fresh`, which takes a request for each mailbox, nor `pending`.

    Raises:
        Transient: Dataverse did not answer.
        Permanent: whoever asks may not read them.
    """
    terms = await read_terms(dataverse, native)
    rows = {row["tether_mailboxid"]: row for row in await dataverse.read_all(_TETHER)}
    mailboxes = {
        row["_regardingobjectid_value"]: row for row in await dataverse.read_all(_DYNAMICS)
    }
    owners = {row["_tether_systemuserid_value"]: row for row in rows.values()}
    meant = owners if native is NativeSync.INSTEAD else mailboxes
    known: dict[str, _Readiness] = {}
    for user in await read_rows(dataverse, users_of(meant.keys() - {None})):
        if user["azureactivedirectoryobjectid"]:
            key, mailbox = user["systemuserid"], mailboxes.get(user["systemuserid"])
            known[user["azureactivedirectoryobjectid"].lower()] = _Readiness(
                user["internalemailaddress"] or "",
                terms.unmet(meant[key]),
                terms.noted(mailbox) if mailbox else (),
            )
    fresh = await freshness_of_mailboxes(dataverse, rows) if with_links else {}
    requests = await dataverse.read_all(ALL_REQUESTS) if with_links else []
    pending = Counter(row["_tether_mailboxid_value"] for row in requests)
    standings = [
        replace(
            _standing(MailboxId(one), rows.get(one), known.get(one), fresh.get(one)),
            pending=pending[one],
        )
        for one in {*rows, *known}
    ]
    return sorted(standings, key=lambda one: (one.name, one.id))


def _standing(
    mailbox: MailboxId,
    row: Mapping[str, Any] | None,
    readiness: _Readiness | None,
    fresh: datetime | None,
) -> Standing:
    name, lacking, noted = (
        (readiness.name, readiness.lacking, readiness.noted) if readiness else ("", None, ())
    )
    if row is None:
        return Standing(mailbox, name, lacking=lacking, noted=noted)
    return Standing(
        mailbox,
        row["tether_name"] or name,
        _STATES.get(row["tether_state"], "suspended"),
        lacking,
        noted,
        fresh,
        _moment(row["tether_catchupneededsince"]),
        row["tether_catchupreason"] or "",
        row["tether_lasterror"] or "",
        {
            kind: Subscription(subscription, datetime.fromisoformat(expires), seal or "")
            for kind in KINDS
            for subscription, expires, seal in [
                tuple(row[column] for column in columns_of(kind).logical_names)
            ]
            if subscription and expires
        },
    )


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
