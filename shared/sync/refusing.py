"""What was asked for and is given up on does not stay under way: its link says why it cannot be."""

import logging
from collections.abc import Sequence

from shared.changes import Change
from shared.dataverse.client import Dataverse
from shared.dataverse.links import link_row, links_with_id
from shared.dataverse.tracking import refuse_request
from shared.errors import TetherError, briefly
from shared.identifiers import LinkId, link_id_of_item
from shared.sync.outcome import Outcome
from shared.sync.settling import MAX_ATTEMPTS

logger = logging.getLogger("tether.sync")


async def refuse_what_is_given_up(dataverse: Dataverse, outcome: Outcome) -> None:
    """Refuse what was asked for the items whose changes are about to be parked.

    Where that cannot be written the request stays, and is told again as long as it stands.
    """
    ended = _given_up(outcome)
    if not ended:
        return
    try:
        answers = await dataverse.batch(links_with_id(ended.keys()))
        rows = [row for answer in answers if answer.ok for row in answer.body["value"]]
        asked = [link for link in map(link_row, rows) if link.request]
        await dataverse.batch([refuse_request(link, ended[link.id]) for link in asked])
    except TetherError as problem:
        logger.warning("requests not refused: %s", briefly(problem))


def _given_up(outcome: Outcome) -> dict[LinkId, str]:
    """Return the links of what is parked, each with the reason."""
    ended: Sequence[tuple[Change, str]] = [
        *((end.change, end.reason) for end in outcome.impossible),
        *(
            (end.change, end.problem)
            for end in outcome.failed
            if end.change.attempt + 1 >= MAX_ATTEMPTS
        ),
    ]
    return {link_id_of_item(one.mailbox, one.item): why for one, why in ended}
