"""How each mailbox stands: what Dynamics says of it, and what Tether keeps of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.dataverse.batch import Operation, Response
from shared.dataverse.client import Dataverse
from shared.dataverse.freshness import freshness_of_mailboxes
from shared.dataverse.mailboxes import ALL_MAILBOXES, users_of
from shared.dataverse.readiness import CONDITIONS, Condition, unmet
from shared.dataverse.subscriptions import KINDS, Subscription, columns_of
from shared.errors import Permanent, Transient
from shared.identifiers import Kind, MailboxId

_STATES = {1: "enrolled", 2: "suspended"}
# A mailbox that nobody set to server-side sync is not meant to sync.
_INTENDED = "incomingemaildeliverymethod%20eq%202%20or%20actdeliverymethod%20eq%201"
_DYNAMICS = (
    f"mailboxes?$select=_regardingobjectid_value,{','.join(one.column for one in CONDITIONS)}"
    f"&$filter={_INTENDED}"
)
_TETHER = f"{ALL_MAILBOXES},tether_lasterror"


@dataclass(frozen=True, slots=True)
class Standing:
    """One mailbox; `fresh` is when something of it last changed in Dynamics.

    `state` is empty for one that is not enrolled; `lacking` is None where Dynamics has no mailbox
    that is meant to sync.
    """

    id: MailboxId
    name: str
    state: str = ""
    lacking: tuple[Condition, ...] | None = None
    fresh: datetime | None = None
    catch_up_needed_since: datetime | None = None
    catch_up_reason: str = ""
    last_error: str = ""
    subscriptions: Mapping[Kind, Subscription] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether Dynamics lets it sync."""
        return self.lacking == ()


async def read_standings(dataverse: Dataverse, *, with_fresh: bool = True) -> list[Standing]:
    """Return how every mailbox stands that Tether knows or Dynamics means to sync, by name.

    `fresh` takes a request for each mailbox: it is left out without `with_fresh`.

    Raises:
        Transient: Dataverse did not answer.
        Permanent: whoever asks may not read them.
    """
    rows = {row["tether_mailboxid"]: row for row in await dataverse.read_all(_TETHER)}
    lacking: dict[str, tuple[str, tuple[Condition, ...]]] = {}
    mailboxes = {
        row["_regardingobjectid_value"]: row for row in await dataverse.read_all(_DYNAMICS)
    }
    for user in await _rows(dataverse, users_of(mailboxes.keys() - {None})):
        if user["azureactivedirectoryobjectid"]:
            name = user["internalemailaddress"] or ""
            conditions = unmet(mailboxes[user["systemuserid"]])
            lacking[user["azureactivedirectoryobjectid"].lower()] = (name, conditions)
    fresh = await freshness_of_mailboxes(dataverse, rows) if with_fresh else {}
    standings = [
        _standing(MailboxId(one), rows.get(one), lacking.get(one), fresh.get(one))
        for one in {*rows, *lacking}
    ]
    return sorted(standings, key=lambda one: (one.name, one.id))


def _standing(
    mailbox: MailboxId,
    row: Mapping[str, Any] | None,
    dynamics: tuple[str, tuple[Condition, ...]] | None,
    fresh: datetime | None,
) -> Standing:
    name, lacking = dynamics or ("", None)
    if row is None:
        return Standing(mailbox, name, lacking=lacking)
    return Standing(
        mailbox,
        row["tether_name"] or name,
        _STATES.get(row["tether_state"], "suspended"),
        lacking,
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


async def _rows(dataverse: Dataverse, operations: Sequence[Operation]) -> list[dict[str, Any]]:
    answers = await dataverse.batch(operations) if operations else []
    return [row for answer in answers for row in _listed(answer)]


def _listed(answer: Response) -> list[dict[str, Any]]:
    if answer.ok:
        return list(answer.body["value"])
    raise Permanent(answer.problem) if answer.is_final else Transient(answer.problem)


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
