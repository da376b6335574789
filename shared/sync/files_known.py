"""What both sides know of the attachments of some items: what there is, and what is over there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from shared.changes import Change
from shared.dataverse.attachments import Holder, attachments_with, holder_row, holders_with
from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.links import TARGETS
from shared.dataverse.organization import READ_ORGANIZATION, Organization, organization_row
from shared.errors import Permanent, Transient
from shared.graph.attachments import Attachment, Listed, next_attachments, read_attachments
from shared.graph.client import Graph, GraphResponse
from shared.identifiers import ActivityId, AttachmentId, Kind
from shared.sync.outcome import Failed, Outcome

_TABLES = {Kind.MAIL: "email", Kind.CALENDAR: "appointment"}


@dataclass(slots=True)
class FilesKnown:
    """What Dynamics knows: which files are there, how the rows stand, what it takes."""

    organization: Organization = field(default_factory=Organization)
    present: set[AttachmentId] = field(default_factory=set)
    holders: dict[ActivityId, Holder] = field(default_factory=dict)


async def listed(
    graph: Graph, changes: Sequence[Change], outcome: Outcome
) -> dict[Change, list[Attachment]]:
    """Return what is attached to each item by its change; `outcome` tells of refusals."""
    found: dict[Change, list[Attachment]] = {change: [] for change in changes}
    asked = [(one, read_attachments(one.kind, one.mailbox, one.item)) for one in changes]
    while asked:
        answers = await graph.batch([request for _, request in asked])
        answered, asked = zip(asked, answers, strict=True), []
        for (change, _), answer in answered:
            page = _page(answer)
            if page is None:
                del found[change]
                outcome.failed.append(Failed(change, answer.problem, answer.retry_after))
                continue
            found[change] += page.value
            if further := next_attachments(change.mailbox, page):
                asked.append((change, further))
    return found


async def look_up(
    dataverse: Dataverse,
    rows: Mapping[ActivityId, Kind],
    files: Iterable[AttachmentId],
) -> FilesKnown:
    """Ask what Dynamics takes, how the rows stand, and which of the files are there.

    Raises:
        Transient: Dynamics did not answer.
        Permanent: Dynamics will never answer.
    """
    holders = [
        (kind, operation)
        for kind in _TABLES
        for operation in holders_with(
            TARGETS[kind].entity_set, {row for row, its in rows.items() if its is kind}
        )
    ]
    there = attachments_with(set(files))
    operations = [READ_ORGANIZATION, *(operation for _, operation in holders), *there]
    options, *answers = await _rows(dataverse, operations)
    known = FilesKnown(organization_row(options[0]))
    for (kind, _), answer in zip(holders, answers, strict=False):
        for row in answer:
            holder = holder_row(_TABLES[kind], TARGETS[kind].entity_set, row)
            known.holders[holder.id] = holder
    for answer in answers[len(holders) :]:
        known.present |= {AttachmentId(row["activitymimeattachmentid"]) for row in answer}
    return known


async def _rows(
    dataverse: Dataverse, operations: Sequence[Operation]
) -> list[list[dict[str, Any]]]:
    answers = await dataverse.batch(operations)
    for answer in answers:
        if answer.is_final:
            raise Permanent(answer.problem)
        if not answer.ok:
            raise Transient(answer.problem, retry_after=answer.retry_after)
    return [answer.body["value"] for answer in answers]


def _page(answer: GraphResponse) -> Listed | None:
    if not answer.ok:
        return None
    try:
        return Listed.model_validate(answer.body)
    except ValidationError:
        return None
