"""What makes a contact tracked, and what ends it: pure (server-side-sync.md 1.6, 3.1, 5).

No category tracks a contact: a seller's save does, which stands as a request on its link.
"""

from collections.abc import Sequence

from shared.dataverse.contacts import PARENT, ContactRow, account_path
from shared.dataverse.links import Link, LinkState, Reason
from shared.dataverse.records import Record, Table
from shared.dataverse.tracking import Memory, Tracking
from shared.graph.contacts import Contact
from shared.graph.items import Address
from shared.graph.messages import Folder
from shared.identifiers import ActivityId, Kind, contact_id_of
from shared.sync.addresses import the_record
from shared.sync.contacts.facts import Snapshot
from shared.sync.contacts.fields import COMPANY, ContactField
from shared.sync.contacts.mapping import columns_of, company_of, first_address, name_of
from shared.sync.contacts.telling import Telling
from shared.sync.contacts.told import Told
from shared.sync.plan import REMOVED, Ignore, Keep, Plan, Refuse, Track, Unlink
from shared.sync.versions import version_of
from shared.sync.zones import zone

_HIDDEN = "Dynamics does not show the contact; check the role of the application user"
INACTIVE = "the contact is deactivated in Dynamics, and is not written until it is active again"


def decide(snapshot: Snapshot, fields: Sequence[ContactField]) -> Plan[Telling]:
    """Return what makes the two sides of one contact agree."""
    contact, link = snapshot.contact, snapshot.link
    if link and link.removal:
        return Unlink(link, REMOVED)
    if contact is None:
        return _left(link, "deleted in Outlook")
    if snapshot.mailbox.folders.get(contact.folder) == Folder.DELETED:
        return _left(link, "moved to Deleted Items")
    if link is None:
        return Ignore("no seller has saved it")
    return _known(snapshot, link, contact, fields)


def _known(
    snapshot: Snapshot, link: Link, contact: Contact, fields: Sequence[ContactField]
) -> Plan[Telling]:
    match link.state:
        case LinkState.TRACKED if link.activity is not None or link.save is None:
            return _tied(snapshot, link, contact, fields)
        case _ if link.save:
            return _tie(snapshot, link, contact, fields)
        case LinkState.REMOVED | LinkState.REQUESTED:
            return Ignore("it was taken out of Dynamics and has not been saved again")
        case LinkState.FAILED if not (snapshot.replayed or _changed_since(link, contact)):
            return Ignore("Dynamics refused it; its link says why, and its next change tries again")
        case _:
            return _tie(snapshot, link, contact, fields)


def _left(link: Link | None, why: str) -> Plan[Telling]:
    return Unlink(link, why) if link and (link.is_tracked or link.request) else Ignore(why)


def _changed_since(link: Link, contact: Contact) -> bool:
    return link.tracked_on is None or contact.modified > link.tracked_on


def _tie(
    snapshot: Snapshot, link: Link, contact: Contact, fields: Sequence[ContactField]
) -> Plan[Telling]:
    row, key = _the_row(snapshot, contact)
    telling, memory = _told(snapshot, contact, row, Told(), fields)
    return Track(
        link=link.id,
        known=link,
        tracking=_tracking(snapshot, contact, memory),
        activity=key,
        tied=key,
        telling=telling,
        mark=False,
    )


def _tied(
    snapshot: Snapshot, link: Link, contact: Contact, fields: Sequence[ContactField]
) -> Plan[Telling]:
    row, told = snapshot.row, Told.read(link.told)
    if link.activity is None:
        return Unlink(link, "the contact was deleted in Dynamics")
    if row is None:
        return Refuse(link, _HIDDEN) if link.save else Ignore(_HIDDEN)
    telling, memory = _told(snapshot, contact, row, told, fields)
    tracking = _tracking(snapshot, contact, memory)
    is_told = (memory, tracking.version) == (Memory(link.told, link.detail), link.version)
    return Keep(
        known=link,
        activity=link.activity,
        tied=link.activity,
        telling=telling,
        amended=None if is_told and not link.save else tracking,
    )


def _the_row(snapshot: Snapshot, contact: Contact) -> tuple[ContactRow | None, ActivityId]:
    """Return the row a person has, if any, and the key it has or will have.

    First what the link names already; then the row of that address, the mailbox owner's own and the
    oldest first; then the one once made for this very item, or for the address. A key that belongs
    to another address by now, or to a row out of use, makes way for the item's own.
    """
    address, keyed = first_address(contact), snapshot.keyed
    made = keyed if keyed and keyed.active and not keyed.address else None
    if found := snapshot.row or _matching(snapshot, address) or snapshot.own or made:
        return found, found.id
    return None, contact_id_of(snapshot.mailbox.id, snapshot.item, "" if keyed else address)


def _matching(snapshot: Snapshot, address: str) -> ContactRow | None:
    rows = {row.id: row for row in snapshot.matches}
    records = [
        Record(Table.CONTACT, row.id, row.owner, row.active, row.created) for row in rows.values()
    ]
    found = the_record(Address(address=address), {address: records}, snapshot.mailbox.systemuser)
    return rows[ActivityId(found.id)] if found else None


def _told(
    snapshot: Snapshot,
    contact: Contact,
    row: ContactRow | None,
    told: Told,
    fields: Sequence[ContactField],
) -> tuple[Telling, Memory]:
    """Return what is to be told to the row, and what the link remembers of it."""
    if row and not row.active:
        telling = Telling(row, {}, contact.modified, snapshot.mailbox.systemuser)
        return telling, Memory(told.written() if told.fields else "", INACTIVE)
    said = columns_of(contact, fields, zone(snapshot.mailbox.time_zone))
    company = company_of(contact) or None
    news = told.news({**said, COMPANY: company})
    parent, account = _parent(snapshot, row, told, is_new=COMPANY in news, company=company)
    now_told = Told.of({**said, COMPANY: company}, account)
    news.pop(COMPANY, None)
    telling = Telling(row, {**news, **parent}, contact.modified, snapshot.mailbox.systemuser)
    return telling, Memory(now_told.written(), "")


def _parent(
    snapshot: Snapshot, row: ContactRow | None, told: Told, *, is_new: bool, company: str | None
) -> tuple[dict[str, str | None], str]:
    """Return what becomes of the row's parent, and which account Tether has given it by now.

    An account is guessed by its name, so a parent that somebody else gave is replaced only when the
    seller names another company, and taken away never.
    """
    present = row.parent if row else None
    if company is None:
        ours = told.account and present == told.account
        return ({PARENT: None} if is_new and ours else {}), "" if is_new else told.account
    renamed = is_new and bool(told.fields)
    missing = present is None and not told.account
    account = snapshot.account
    if account is None or account == present or not (renamed or missing):
        return {}, told.account
    return {PARENT: account_path(account)}, account


def _tracking(snapshot: Snapshot, contact: Contact, memory: Memory) -> Tracking:
    save = snapshot.link.save if snapshot.link else None
    return Tracking(
        kind=Kind.CONTACTS,
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=name_of(contact),
        reason=Reason.SELLER,
        tracked_by=save.by if save else snapshot.mailbox.systemuser,
        place=memory,
        version=version_of(contact),
    )
