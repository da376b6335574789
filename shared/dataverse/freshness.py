"""When something of a mailbox, or of a kind of item, last changed in Dynamics: its newest link."""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.links import TARGETS
from shared.errors import Permanent, Transient
from shared.identifiers import Kind


async def freshness_of_mailboxes(
    dataverse: Dataverse, mailboxes: Collection[str]
) -> dict[str, datetime]:
    """Return it for those mailboxes that have a link (UTC).

    Raises:
        Transient: Dataverse did not answer.
        Permanent: whoever asks may not read the links.
    """
    asked = list(mailboxes)
    filters = [f"_tether_mailboxid_value%20eq%20{mailbox}" for mailbox in asked]
    moments = await _newest(dataverse, filters)
    return {one: moment for one, moment in zip(asked, moments, strict=True) if moment}


async def freshness_of_kinds(dataverse: Dataverse) -> dict[Kind, datetime]:
    """Return it for those kinds that have a link; raises as above."""
    filters = [f"tether_kind%20eq%20{target.code}" for target in TARGETS.values()]
    moments = await _newest(dataverse, filters)
    return {kind: moment for kind, moment in zip(TARGETS, moments, strict=True) if moment}


async def _newest(dataverse: Dataverse, filters: Sequence[str]) -> list[datetime | None]:
    operations = [
        Operation(
            "GET",
            f"tether_links?$select=modifiedon&$filter={one}&$orderby=modifiedon%20desc&$top=1",
        )
        for one in filters
    ]
    answers = await dataverse.batch(operations) if operations else []
    for answer in answers:
        if not answer.ok:
            raise Permanent(answer.problem) if answer.is_final else Transient(answer.problem)
    rows = [next(iter(answer.body["value"]), None) for answer in answers]
    return [datetime.fromisoformat(row["modifiedon"]) if row else None for row in rows]
