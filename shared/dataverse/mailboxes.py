"""Mailboxes: who is ready according to Dynamics, and what Tether keeps of each enrolled one."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.query import rows_where_in
from shared.dataverse.subscriptions import KINDS, Subscription, columns_of
from shared.dataverse.text import fit
from shared.errors import where
from shared.identifiers import Kind, MailboxId, SystemUserId

logger = logging.getLogger("tether.mailboxes")

_SELECT = (
    "tether_mailboxid,tether_name,tether_state,tether_folders,_tether_systemuserid_value,"
    f"{','.join(name for kind in KINDS for name in columns_of(kind).logical_names)},"
    "tether_syncfrom,tether_timezone,tether_catchupneededsince,tether_catchupreason"
)


class MailboxState(IntEnum):
    """Whether a mailbox syncs: `tether_mailbox.tether_state`."""

    ENROLLED = 1
    SUSPENDED = 2


class FilteringMethod(IntEnum):
    """Which mail becomes an activity by itself: the option on a user's E-mail tab (1.2)."""

    ALL = 0
    REPLIES = 1
    KNOWN_SENDERS = 2
    ANY_RECORD = 3
    NONE = 4


@dataclass(frozen=True, slots=True)
class ReadyMailbox:
    """A mailbox that Dynamics says may sync, and whose it is."""

    id: MailboxId
    systemuser: SystemUserId
    name: str


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A `tether_mailbox` row; `folders` maps the ids of well-known folders to their names.

    `sync_from` is when the mailbox was first enrolled: older mail is not tracked by the filter.
    `time_zone` is the mailbox's own, as Graph names it; empty means UTC.
    """

    id: MailboxId
    systemuser: SystemUserId
    state: MailboxState
    folders: Mapping[str, str] = field(default_factory=dict)
    sync_from: datetime | None = None
    subscriptions: Mapping[Kind, Subscription] = field(default_factory=dict)
    time_zone: str = ""
    catch_up_needed_since: datetime | None = None
    catch_up_reason: str = ""


ALL_MAILBOXES = f"tether_mailboxes?$select={_SELECT}"


def users_of(systemusers: Collection[str]) -> list[Operation]:
    """Ask who the users are in Entra ID; disabled ones are left out."""
    return rows_where_in(
        "systemusers",
        ["systemuserid"],
        systemusers,
        select="systemuserid,azureactivedirectoryobjectid,internalemailaddress",
        and_filter="isdisabled eq false",
    )


def mailboxes_of(mailboxes: Collection[MailboxId]) -> list[Operation]:
    """Ask for the rows of some mailboxes."""
    return rows_where_in("tether_mailboxes", ["tether_mailboxid"], mailboxes, select=_SELECT)


def filtering_methods_of(systemusers: Collection[str]) -> list[Operation]:
    """Ask for users' personal option."""
    return rows_where_in(
        "usersettingscollection",
        ["systemuserid"],
        systemusers,
        select="systemuserid,incomingemailfilteringmethod",
    )


def mailbox_rows(
    rows: Iterable[Mapping[str, Any]], *, knowing: Collection[str]
) -> list[MailboxRow]:
    """Read `tether_mailbox` rows; one that somebody made unreadable is logged and left out.

    A readable row names all folders in `knowing`, and no other; one that was never enrolled names
    none. Enrolment takes the mailbox of an unreadable one for a new one, and writes the row afresh.
    """
    readable: list[MailboxRow] = []
    for row in rows:
        try:
            readable.append(_mailbox_row(row, set(knowing)))
        except (ValueError, AttributeError, TypeError) as problem:
            logger.error(
                "unreadable tether_mailbox=%s: %s", row["tether_mailboxid"], where(problem)
            )
    return readable


def _mailbox_row(row: Mapping[str, Any], knowing: set[str]) -> MailboxRow:
    folders = json.loads(row["tether_folders"] or "{}")
    never_enrolled = not row["tether_folders"] and row["tether_state"] != MailboxState.ENROLLED
    if folders.keys() != knowing and not never_enrolled:
        raise ValueError("tether_folders does not name the well-known folders")
    return MailboxRow(
        id=MailboxId(row["tether_mailboxid"]),
        systemuser=SystemUserId(row["_tether_systemuserid_value"] or ""),
        state=MailboxState(row["tether_state"] or MailboxState.SUSPENDED),
        folders={folder_id: name for name, folder_id in folders.items()},
        sync_from=_moment(row["tether_syncfrom"]),
        subscriptions=_subscriptions_in(row),
        time_zone=row["tether_timezone"] or "",
        catch_up_needed_since=_moment(row["tether_catchupneededsince"]),
        catch_up_reason=row["tether_catchupreason"] or "",
    )


def _subscriptions_in(row: Mapping[str, Any]) -> dict[Kind, Subscription]:
    """Return the subscriptions a row tells of; without id or expiry there is none."""
    found: dict[Kind, Subscription] = {}
    for kind in KINDS:
        subscription, expires, seal = (row[name] for name in columns_of(kind).logical_names)
        if subscription and expires:
            found[kind] = Subscription(subscription, datetime.fromisoformat(expires), seal or "")
    return found


def enrol(
    mailbox: ReadyMailbox,
    folders: Mapping[str, str],
    sync_from: datetime,
    time_zone: str | None = None,
) -> Operation:
    """Make or renew a mailbox's row, before anything of it can arrive.

    A time zone that is not known is left as it is.
    """
    return _patch(
        mailbox.id,
        {
            "tether_name": fit(mailbox.name, 200),
            "tether_syncfrom": written(sync_from),
            "tether_SystemUserId@odata.bind": f"systemusers({mailbox.systemuser})",
            "tether_state": MailboxState.ENROLLED,
            "tether_folders": json.dumps(folders),
            "tether_lasterror": None,
            **_zone(time_zone),
        },
    )


def expect(mailbox: ReadyMailbox) -> Operation:
    """Make the row of a mailbox that is not enrolled, so that what is asked for it can wait."""
    columns = {
        "tether_name": fit(mailbox.name, 200),
        "tether_SystemUserId@odata.bind": f"systemusers({mailbox.systemuser})",
        "tether_state": MailboxState.SUSPENDED,
    }
    return Operation("PATCH", f"tether_mailboxes({mailbox.id})", columns, create_only=True)


def users_with(mailboxes: Collection[MailboxId]) -> list[Operation]:
    """Ask whose the mailboxes are in Dynamics; disabled users are left out."""
    return rows_where_in(
        "systemusers",
        ["azureactivedirectoryobjectid"],
        mailboxes,
        select="systemuserid,azureactivedirectoryobjectid,internalemailaddress",
        and_filter="isdisabled eq false",
    )


def suspend(mailbox: MailboxId) -> Operation:
    """Keep a mailbox's row, but let nothing of it sync."""
    nothing = dict.fromkeys(KINDS)
    return _patch(mailbox, {"tether_state": MailboxState.SUSPENDED, **_columns(nothing)})


def note_subscriptions(
    mailbox: MailboxId,
    changed: Mapping[Kind, Subscription | None],
    *,
    problem: str | None,
    time_zone: str | None,
) -> Operation:
    """Note the subscriptions that are new, longer or lost (None), and what went wrong if anything.

    A `problem` that is empty clears the last error; what is None is left as it is.
    """
    columns = _columns(changed) | _zone(time_zone)
    if problem is not None:
        columns["tether_lasterror"] = fit(problem, 2000) or None
    return _patch(mailbox, columns)


def need_catch_up(mailbox: MailboxId, since: datetime, reason: str) -> Operation:
    """Note that changes since a moment may have been missed."""
    return _patch(
        mailbox,
        {"tether_catchupneededsince": written(since), "tether_catchupreason": fit(reason, 200)},
    )


def refuse(mailbox: ReadyMailbox, problem: str, known: MailboxRow | None) -> Operation:
    """Note why a ready mailbox cannot be enrolled; one that is keeps its state until it can be."""
    state = known.state if known else MailboxState.SUSPENDED
    return _patch(
        mailbox.id,
        {
            "tether_name": fit(mailbox.name, 200),
            "tether_state": state,
            "tether_lasterror": fit(problem, 2000),
        },
    )


def written(moment: datetime) -> str:
    """Write a moment as Dataverse keeps it: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _columns(changed: Mapping[Kind, Subscription | None]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for kind, one in changed.items():
        values = (one.id, written(one.expires), one.seal) if one else (None, None, None)
        columns |= zip(columns_of(kind).logical_names, values, strict=True)
    return columns


def _patch(mailbox: MailboxId, columns: dict[str, Any]) -> Operation:
    return Operation("PATCH", f"tether_mailboxes({mailbox})", columns)


def _zone(time_zone: str | None) -> dict[str, Any]:
    return {} if time_zone is None else {"tether_timezone": fit(time_zone, 100) or None}


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
