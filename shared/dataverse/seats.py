"""Seats: who has a mailbox in Dynamics, what Dynamics says of it, and what Tether keeps of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import MailboxState, ReadyMailbox
from shared.dataverse.query import rows_where_in
from shared.dataverse.readiness import (
    COLUMNS,
    ORGANIZATION,
    OWN_COLUMNS,
    Condition,
    NativeSync,
    Terms,
)
from shared.dataverse.rows import read_rows
from shared.identifiers import MailboxId, SystemUserId

_USER = "systemuserid,azureactivedirectoryobjectid,internalemailaddress,domainname"
_MAILBOX = f"defaultmailbox($select=mailboxid,testemailconfigurationscheduled,{','.join(COLUMNS)})"
_OWN = f"tether_mailboxid,tether_state,tether_lasterror,{','.join(OWN_COLUMNS)}"
_PEOPLE = "isdisabled eq false and applicationid eq null"
_ALL_USERS = f"systemusers?$select={_USER}&$expand={_MAILBOX}&$filter=" + quote(
    f"{_PEOPLE} and azureactivedirectoryobjectid ne null", safe=""
)
_ALL_OWN = f"tether_mailboxes?$select={_OWN}"
_TURNED_ON = "tether_mailboxes?$select=tether_mailboxid&$filter=" + quote(
    "tether_turnedon eq true"
    f" and (tether_state eq null or tether_state eq {MailboxState.SUSPENDED:d})",
    safe="",
)
_NOTHING: Mapping[str, Any] = {
    "statecode": 0,
    "tether_state": None,
    "tether_lasterror": None,
    "tether_turnedon": False,
    "tether_approval": None,
    "tether_teststatus": None,
}
NO_MAILBOX = Condition("user-not-in-dynamics", "mailboxid", None)


@dataclass(frozen=True, slots=True)
class Seat:
    """An enabled user; `mailbox` is the Dynamics row, `own` the `tether_mailbox` row.

    `address` and `user_name` are what the person is known by.
    """

    id: MailboxId
    systemuser: SystemUserId
    address: str
    user_name: str
    mailbox: Mapping[str, Any] | None
    own: Mapping[str, Any]

    @property
    def is_turned_on(self) -> bool:
        """Whether somebody has asked Tether to turn it on."""
        return bool(self.own["tether_turnedon"])

    @property
    def is_enrolled(self) -> bool:
        """Whether it syncs."""
        return bool(self.own["tether_state"] == MailboxState.ENROLLED)

    def is_inactive(self, terms: Terms) -> bool:
        """Whether somebody has deactivated it, which turning on does not undo."""
        row = self.own if terms.native is NativeSync.INSTEAD else self.mailbox
        return bool(row and row["statecode"])

    @property
    def is_being_tested(self) -> bool:
        """Whether Dynamics is to run Test & Enable."""
        return bool(self.mailbox and self.mailbox["testemailconfigurationscheduled"])

    @property
    def ready(self) -> ReadyMailbox:
        """The mailbox as enrolment takes it, once nothing is lacking."""
        return ReadyMailbox(self.id, self.systemuser, self.address)

    def lacking(self, terms: Terms) -> tuple[Condition, ...]:
        """Return what keeps it from syncing."""
        if terms.native is NativeSync.INSTEAD:
            return terms.unmet(self.own)
        return terms.unmet(self.mailbox) if self.mailbox else (NO_MAILBOX,)

    def noted(self, terms: Terms) -> tuple[Condition, ...]:
        """Return what does not, but must be mended."""
        return terms.noted(self.mailbox) if self.mailbox else ()


async def read_terms(dataverse: Dataverse, native: NativeSync) -> Terms:
    """Return what is asked of mailboxes in this organisation.

    Raises:
        Transient: Dataverse did not answer.
        Permanent: whoever asks may not read it.
    """
    (organization,) = await dataverse.read_all(ORGANIZATION)
    return Terms.of(native, organization)


async def read_seats(dataverse: Dataverse, mailboxes: Collection[MailboxId]) -> list[Seat]:
    """Return the seats of some mailboxes, by address; those without an enabled user are left out.

    Raises:
        Transient: Dataverse did not answer.
        Permanent: whoever asks may not read them.
    """
    users = rows_where_in(
        "systemusers",
        ["azureactivedirectoryobjectid"],
        mailboxes,
        select=_USER,
        and_filter=_PEOPLE,
        expand=_MAILBOX,
    )
    rows = await read_rows(dataverse, [*users, *_own_of(mailboxes)])
    return _seats(
        (row for row in rows if "systemuserid" in row),
        (row for row in rows if "tether_mailboxid" in row),
    )


async def read_seats_at(dataverse: Dataverse, addresses: Collection[str]) -> list[Seat]:
    """Return the seats with some addresses or user names; see `read_seats`."""
    users = await read_rows(
        dataverse,
        rows_where_in(
            "systemusers",
            ["internalemailaddress", "domainname"],
            addresses,
            select=_USER,
            and_filter=f"{_PEOPLE} and azureactivedirectoryobjectid ne null",
            expand=_MAILBOX,
        ),
    )
    return _seats(users, await read_rows(dataverse, _own_of([_id(user) for user in users])))


async def read_all_seats(dataverse: Dataverse) -> list[Seat]:
    """Return all seats; see `read_seats`."""
    return _seats(await dataverse.read_all(_ALL_USERS), await dataverse.read_all(_ALL_OWN))


async def read_turned_on(dataverse: Dataverse) -> list[Seat]:
    """Return the seats that somebody has turned on and that do not sync; see `read_seats`."""
    waiting = quote(
        f"tether_turnedon eq true and tether_state ne {MailboxState.ENROLLED:d}", safe=""
    )
    rows = await dataverse.read_all(f"tether_mailboxes?$select=tether_mailboxid&$filter={waiting}")
    mailboxes = [MailboxId(row["tether_mailboxid"]) for row in rows]
    return await read_seats(dataverse, mailboxes) if mailboxes else []


def _own_of(mailboxes: Collection[MailboxId]) -> list[Operation]:
    return rows_where_in("tether_mailboxes", ["tether_mailboxid"], mailboxes, select=_OWN)


def _seats(users: Iterable[Mapping[str, Any]], own: Iterable[Mapping[str, Any]]) -> list[Seat]:
    kept = {row["tether_mailboxid"]: row for row in own}
    seats = [
        Seat(
            _id(user),
            SystemUserId(user["systemuserid"]),
            user["internalemailaddress"] or "",
            user["domainname"] or "",
            user["defaultmailbox"],
            kept.get(_id(user), _NOTHING),
        )
        for user in users
    ]
    return sorted(seats, key=lambda seat: (seat.address, seat.id))


def _id(user: Mapping[str, Any]) -> MailboxId:
    return MailboxId(str(user["azureactivedirectoryobjectid"]).lower())
