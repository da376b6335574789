"""What `decide` may answer: the writes that make one item and Dynamics agree."""

from dataclasses import dataclass

from shared.dataverse.emails import Content, Email
from shared.dataverse.links import Link, Tracking
from shared.identifiers import ActivityId, LinkId


@dataclass(frozen=True, slots=True)
class Ignore:
    """The item is not tracked, and why. `look_again`: its parent may yet become known."""

    why: str
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """The item becomes tracked.

    `content` makes the activity; `adopted` is the one that is there already. `mark` puts the
    category on the item first, so that a link without the category always means that somebody
    took it off.
    """

    link: LinkId
    known: Link | None
    tracking: Tracking
    activity: ActivityId
    content: Content
    adopted: Email | None
    mark: bool
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """The item is tracked already. `content` is what its activity should say of its parent."""

    activity: ActivityId
    email: Email | None
    content: Content
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Unlink:
    """The item is no longer tied to its activity, which stays. `unmark` takes the category off."""

    known: Link
    why: str
    unmark: bool = False


Plan = Ignore | Track | Keep | Unlink
