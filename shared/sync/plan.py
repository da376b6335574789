"""What a kind's `decide` may answer: the writes that make one item and Dynamics agree.

`C`, the telling, is what one mailbox's copy of the item makes of its row in Dynamics: what the row
would say, and the row that is there.
"""

from dataclasses import dataclass

from shared.dataverse.batch import Operation
from shared.dataverse.links import Link
from shared.dataverse.tracking import Tracking
from shared.identifiers import ActivityId, LinkId

REMOVED = "it was removed from Dynamics on request"


@dataclass(frozen=True, slots=True)
class Ignore:
    """The item is not tracked, and why.

    `look_again`: its parent may yet become known. `excluded`: a rule keeps it out for good, as
    against that nobody has saved it.
    """

    why: str
    look_again: bool = False
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Track[C]:
    """The item becomes tracked.

    `activity` is what all copies of it share, `tied` the row its link points to. `mark` puts the
    category on the item first, so that a link without the category always means that somebody took
    it off. `attachments`: its files are to follow the row.
    """

    link: LinkId
    known: Link | None
    tracking: Tracking
    activity: ActivityId
    tied: ActivityId | None
    telling: C
    mark: bool
    look_again: bool = False
    attachments: bool = False


@dataclass(frozen=True, slots=True)
class Keep[C]:
    """The item is tracked already; `amended` is what its link should say if it says otherwise.

    `attachments`: its files, or some of them, have yet to follow the row.
    """

    known: Link
    activity: ActivityId
    tied: ActivityId | None
    telling: C
    amended: Tracking | None = None
    look_again: bool = False
    attachments: bool = False


@dataclass(frozen=True, slots=True)
class Unlink:
    """The item is no longer tied to its row.

    `unmark` takes the category off; `also` is what becomes of the row itself, if anything does.
    `heirs` are the links of the other copies, which are to be looked at: one counts from now on.
    """

    known: Link
    why: str
    unmark: bool = False
    also: tuple[Operation, ...] = ()
    heirs: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """What was asked for can never be, and why."""

    known: Link
    why: str


type Plan[C] = Ignore | Track[C] | Keep[C] | Unlink | Refuse
