"""What is asked of Dynamics for a batch of items of any kind, and what the answers say. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from shared.dataverse import links, mailboxes, records
from shared.dataverse.batch import Operation, Response
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import MailboxRow
from shared.dataverse.query import next_page
from shared.dataverse.records import Record, Table
from shared.errors import Permanent, Transient
from shared.graph.messages import Folder
from shared.identifiers import LinkId, MailboxId

_FOLDERS = {folder.value for folder in Folder}
Row = Mapping[str, Any]


@dataclass(slots=True)
class Facts:
    """What Dynamics knows of a batch of items, whatever their kind."""

    mailboxes: dict[MailboxId, MailboxRow] = field(default_factory=dict)
    links: dict[LinkId, Link] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    @property
    def regarding_tables(self) -> set[str]:
        """The tables of the records that rows to be written are regarding."""
        return set()


@dataclass(frozen=True, slots=True)
class Question[F]:
    """One query of the look-up; `note` puts a row of its answer among the facts.

    The table of an `optional` one comes with an application that may not be installed.
    """

    operation: Operation
    note: Callable[[F, Row], None]
    optional: bool = False


def asked[F](operations: Iterable[Operation], note: Callable[[F, Row], None]) -> list[Question[F]]:
    """Return questions that all say the same sort of thing."""
    return [Question(operation, note) for operation in operations]


def learn[F](facts: F, answers: Iterable[tuple[Question[F], Response]]) -> list[Question[F]]:
    """Put what the answers say among the facts; return the questions for their next pages.

    Raises:
        Transient: a question was not answered.
        Permanent: a question will never be answered.
    """
    further: list[Question[F]] = []
    for question, response in answers:
        if question.optional and response.status == 404:
            continue
        if response.is_final:
            raise Permanent(f"{question.operation.path[:200]}: {response.problem}")
        if not response.ok:
            raise Transient(response.problem, retry_after=response.retry_after)
        for row in response.body["value"]:
            question.note(facts, row)
        if page := next_page(response):
            further.append(replace(question, operation=page))
    return further


def about_items(
    mailboxes_read: Iterable[MailboxId], links_read: Iterable[LinkId]
) -> list[Question[Facts]]:
    """Ask what every kind needs to know: the mailboxes, and the items' links."""
    return [
        *about_mailboxes(mailboxes_read),
        *asked(links.links_with_id(set(links_read)), note_link),
    ]


def about_mailboxes(mailboxes_read: Iterable[MailboxId]) -> list[Question[Facts]]:
    """Ask whose the mailboxes are, and whether they sync."""
    return asked(mailboxes.mailboxes_of(set(mailboxes_read)), _note_mailbox)


def about_addresses(addresses: Iterable[str]) -> list[Question[Facts]]:
    """Ask every table for the rows that carry one of `addresses`, in lower case."""
    return [
        # Leads come with Dynamics 365 Sales alone (dataverse.md 1.1).
        Question(operation, partial(_note_record, table), optional=table is Table.LEAD)
        for table, operations in records.records_with(set(addresses)).items()
        for operation in operations
    ]


def requested_tables(links_asked: Iterable[Link]) -> set[str]:
    """Return the tables of the records that items were asked to be about."""
    saves = (link.save for link in links_asked)
    return {save.about.table for save in saves if save and save.about} - {""}


def _note_mailbox(facts: Facts, row: Row) -> None:
    for mailbox in mailboxes.mailbox_rows([row], knowing=_FOLDERS):
        facts.mailboxes[mailbox.id] = mailbox


def note_link(facts: Facts, row: Row) -> None:
    """Put an item's link among the facts."""
    link = links.link_row(row)
    facts.links[link.id] = link


def _note_record(table: Table, facts: Facts, row: Row) -> None:
    for address, record in records.records_by_address(table, [row]):
        facts.records[address].append(record)
