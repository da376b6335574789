"""Who the addresses on a mail are in Dynamics (server-side-sync.md 2.5, 2.6). Pure."""

from collections.abc import Iterable

from shared.dataverse.activities import Party, Role
from shared.dataverse.records import Table
from shared.graph.items import Address
from shared.graph.messages import Message
from shared.sync.addresses import Records, the_record


def parties_of(message: Message, records: Records, mailbox_owner: str) -> tuple[Party, ...]:
    """Return the parties: one for the sender, every matching row for each recipient."""
    parties: list[Party] = []
    if message.from_address:
        sender = message.from_address
        record = the_record(sender, records, mailbox_owner)
        parties.append(Party(Role.FROM, sender.address, sender.name, record))
    for role, addresses in _recipients(message):
        for address in addresses:
            rows = [row for row in records.get(address.address.lower(), ()) if row.active]
            parties += [Party(role, address.address, address.name, row) for row in rows]
            if not rows and (address.address or address.name):
                parties.append(Party(role, address.address, address.name))
    return tuple(dict.fromkeys(parties))


def addresses_of(message: Message) -> set[str]:
    """Return every address on a mail, in lower case."""
    return senders_of(message) | recipients_of(message)


def senders_of(message: Message) -> set[str]:
    """Return the address a mail is from, in lower case; none where it says none."""
    return {message.from_address.address.lower()} - {""} if message.from_address else set()


def recipients_of(message: Message) -> set[str]:
    """Return every address a mail is sent to, in lower case."""
    named = [address for _, addresses in _recipients(message) for address in addresses]
    return {address.address.lower() for address in named} - {""}


def is_between_users(message: Message, records: Records) -> bool:
    """Tell whether a user of Dynamics has written it to another (server-side-sync.md 2.4)."""
    sender = message.from_address
    senders = _users(sender, records) if sender else set()
    recipients = [address for _, addresses in _recipients(message) for address in addresses]
    others = {user for address in recipients for user in _users(address, records)} - senders
    return bool(senders and others)


def owner_of(
    parties: Iterable[Party], *, outgoing: bool, correlated_owner: str, otherwise: str
) -> str:
    """Return the user who is to own the activity.

    Outgoing: the sender. Incoming: among the recipients who are users, the owner of the mail it
    answers, else the owner of the sender's row, else the first (2.6). `otherwise` when nobody is.
    """
    parties = list(parties)
    sender = next((p.record for p in parties if p.role is Role.FROM and p.record), None)
    if outgoing:
        return sender.id if sender and sender.table is Table.SYSTEMUSER else otherwise
    recipients = [
        party.record.id
        for party in parties
        if party.role is not Role.FROM and party.record and party.record.table is Table.SYSTEMUSER
    ]
    for preferred in (correlated_owner, sender.owner if sender else ""):
        if preferred in recipients:
            return preferred
    return recipients[0] if recipients else otherwise


def _users(address: Address, records: Records) -> set[str]:
    rows = records.get(address.address.lower(), ())
    return {row.id for row in rows if row.table is Table.SYSTEMUSER and row.active}


def _recipients(message: Message) -> list[tuple[Role, tuple[Address, ...]]]:
    return [(Role.TO, message.to), (Role.CC, message.cc), (Role.BCC, message.bcc)]
