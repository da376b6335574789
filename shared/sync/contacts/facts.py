"""What is asked of Dynamics for a batch of contacts, and the snapshot the answers make. Pure."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.dataverse import contacts, links
from shared.dataverse.contacts import ContactRow
from shared.dataverse.links import CONTACT, Link
from shared.dataverse.mailboxes import MailboxRow
from shared.graph.contacts import Contact
from shared.identifiers import ActivityId, ItemId, contact_id_of
from shared.sync.contacts.mapping import company_of, first_address
from shared.sync.facts import Facts, Question, Row, about_mailboxes, asked, note_link
from shared.sync.rules import Read


@dataclass(slots=True)
class ContactFacts(Facts):
    """What Dynamics knows of a batch of contacts; addresses in lower case, names case-folded."""

    rows: dict[ActivityId, ContactRow] = field(default_factory=dict)
    by_address: dict[str, dict[ActivityId, ContactRow]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    accounts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A contact in Outlook (None when it is gone) and what Dynamics knows of the person.

    `row` is what its link is tied to. `own` is the row made for this very item, if there is one,
    `keyed` the one made for its address, `matches` all active ones with that address. `account` is
    the one active account of the company's name, None if there is none or several.
    """

    mailbox: MailboxRow
    item: ItemId
    contact: Contact | None
    link: Link | None = None
    row: ContactRow | None = None
    own: ContactRow | None = None
    keyed: ContactRow | None = None
    matches: Sequence[ContactRow] = ()
    account: str | None = None
    replayed: bool = False


def snapshot(facts: ContactFacts, read: Read[Contact]) -> Snapshot:
    """Return both sides of one contact, whose mailbox is enrolled."""
    change, contact = read.change, read.item
    link = facts.links.get(read.link_id)
    address = first_address(contact) if contact else ""
    named = facts.accounts.get(company_of(contact).casefold(), set()) if contact else set()
    return Snapshot(
        mailbox=facts.mailboxes[change.mailbox],
        item=change.item,
        contact=contact,
        link=link,
        row=facts.rows.get(link.activity) if link and link.activity else None,
        own=facts.rows.get(contact_id_of(change.mailbox, change.item)),
        keyed=facts.rows.get(contact_id_of(change.mailbox, change.item, address)),
        matches=[row for row in facts.by_address[address].values() if address and row.active],
        account=next(iter(named)) if len(named) == 1 else None,
        replayed=change.replays > 0,
    )


def questions(
    reads: Sequence[Read[Contact]], columns: Collection[str]
) -> list[Question[ContactFacts]]:
    """Return all that must be asked about `reads`, of whose rows `columns` are written.

    The rows that links are tied to come with the links: one round trip for everything.
    """
    links_read = {read.link_id for read in reads}
    present = [(read.change, read.item) for read in reads if read.item]
    addresses = {first_address(contact) for _, contact in present} - {""}
    keys = {
        contact_id_of(change.mailbox, change.item, address)
        for change, contact in present
        for address in ("", first_address(contact))
    }
    companies = {company_of(contact) for _, contact in present} - {""}
    note_row = partial(_note_row, columns)
    return [
        *about_mailboxes(read.change.mailbox for read in reads),
        *asked(
            links.links_with_id(links_read, contact=contacts.select_of(columns)),
            partial(_note_tied, columns),
        ),
        *asked(contacts.contacts_with(addresses, columns), note_row),
        *asked(contacts.contacts_by_id(keys, columns), note_row),
        *asked(contacts.accounts_named(companies), _note_account),
    ]


def _note_tied(columns: Collection[str], facts: ContactFacts, row: Row) -> None:
    note_link(facts, row)
    if tied := row[CONTACT]:
        _note_row(columns, facts, tied)


def _note_row(columns: Collection[str], facts: ContactFacts, row: Row) -> None:
    contact = contacts.contact_row(row, columns)
    facts.rows[contact.id] = facts.by_address[contact.address][contact.id] = contact


def _note_account(facts: ContactFacts, row: Row) -> None:
    facts.accounts[row["name"].strip().casefold()].add(row["accountid"])
