"""Asks Graph about mailboxes themselves: their well-known folders and their time zones."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from shared.errors import briefly
from shared.graph.client import Graph
from shared.graph.mailbox_settings import read_time_zone, time_zone_of
from shared.graph.messages import Folder, read_folder
from shared.identifiers import MailboxId

logger = logging.getLogger("tether.enrolment")


@dataclass(slots=True)
class MailboxReading:
    """What Graph showed of mailboxes; `unreachable` says why it did not show the folders of some.

    `passing` are those of them whose reason passes by itself. A time zone it did not show is left
    out.
    """

    folders: dict[MailboxId, dict[str, str]] = field(default_factory=dict)
    unreachable: dict[MailboxId, str] = field(default_factory=dict)
    passing: set[MailboxId] = field(default_factory=set)
    time_zones: dict[MailboxId, str] = field(default_factory=dict)


async def read_mailboxes(
    graph: Graph,
    *,
    folders_of: Collection[MailboxId] = (),
    time_zones_of: Collection[MailboxId] = (),
) -> MailboxReading:
    """Ask for both at once; a mailbox lacks no folder or is unreachable."""
    folders = [(mailbox, folder) for mailbox in folders_of for folder in Folder]
    answers = await graph.batch(
        [
            *(read_folder(mailbox, folder) for mailbox, folder in folders),
            *(read_time_zone(mailbox) for mailbox in time_zones_of),
        ]
    )
    reading = MailboxReading({mailbox: {} for mailbox in folders_of})
    for (mailbox, folder), answer in zip(folders, answers, strict=False):
        if answer.ok:
            reading.folders[mailbox][folder] = str(answer.body["id"])
        else:
            reading.unreachable[mailbox] = answer.problem
            if answer.status == 429 or answer.status >= 500:
                reading.passing.add(mailbox)
    for mailbox, problem in reading.unreachable.items():
        logger.warning("mailbox not enrolled mailbox=%s problem=%s", mailbox, briefly(problem))
        del reading.folders[mailbox]
    zones = dict(zip(time_zones_of, answers[len(folders) :], strict=True))
    reading.time_zones = {m: time_zone_of(answer) for m, answer in zones.items() if answer.ok}
    if unknown := [answer.problem for answer in zones.values() if not answer.ok]:
        logger.info(
            "time zones not read mailboxes=%d problem=%s", len(unknown), briefly(unknown[0])
        )
    return reading
