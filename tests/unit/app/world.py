"""Small worlds for the convergence property: mailboxes, mails in threads, and what users do.

A world is a list of epochs. First mail arrives, and users may act on it before anything is told.
Then come epochs in which users only add (mark, restore) or only remove (unmark, delete) what
is there. They are kept apart because a reply that is told of before its parent's removal is tracked
and one told of after is not, just as if it had come earlier or later: both are right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from hypothesis import strategies as st

from shared.dataverse.mailboxes import FilteringMethod

Folder = Literal["inbox", "sentitems", "archive", "junkemail", "deleteditems"]
OUTSIDERS = ("casey@customer.example", "lee@lead.example", "nobody@nowhere.example")
_MOST_PEOPLE = 3
_MOST_MAILS = 6
_MOST_ACTIONS = 5
_MOST_EPOCHS = 4
_METHODS = (*FilteringMethod, FilteringMethod.REPLIES, FilteringMethod.REPLIES)


class Do(Enum):
    """What a user does with one copy of a mail, or somebody in Dynamics with its activity."""

    MARK = auto()
    TOUCH = auto()
    ARCHIVE = auto()
    RESTORE = auto()
    UNMARK = auto()
    DELETE = auto()
    PURGE = auto()
    JUNK = auto()
    SET_REGARDING = auto()
    DELETE_ACTIVITY = auto()


ADDING = (Do.MARK, Do.TOUCH, Do.ARCHIVE, Do.RESTORE, Do.SET_REGARDING)
REMOVING = (Do.UNMARK, Do.DELETE, Do.PURGE, Do.TOUCH, Do.DELETE_ACTIVITY)
ON_ARRIVAL = (
    Do.MARK,
    Do.MARK,
    Do.TOUCH,
    Do.ARCHIVE,
    Do.JUNK,
    Do.RESTORE,
    Do.DELETE,
    Do.PURGE,
    Do.UNMARK,
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: from whom (a person by number, or an address outside), to whom, in answer to what.

    `threaded` carries the conversation index on the wire, as Outlook does; `names_parent` writes
    In-Reply-To. `foreign` is one another application has put in Dynamics already.
    """

    number: int
    sender: int | str
    to: tuple[int, ...]
    outside: tuple[str, ...]
    parent: int | None
    names_parent: bool
    threaded: bool
    foreign: bool

    @property
    def message_id(self) -> str:
        """Its Message-ID, the same in every mailbox."""
        return f"<mail-{self.number}@world.example>"

    @property
    def holders(self) -> tuple[tuple[int, Folder], ...]:
        """Who has a copy, and where it comes to lie."""
        sent: tuple[tuple[int, Folder], ...] = ()
        if isinstance(self.sender, int):
            sent = ((self.sender, "sentitems"),)
        return sent + tuple((one, "inbox") for one in self.to if one != self.sender)


@dataclass(frozen=True, slots=True)
class Action:
    """Something done to the copy of mail `mail` that person `person` has, if there is one."""

    do: Do
    mail: int
    person: int


@dataclass(frozen=True, slots=True)
class World:
    """Who there is, which mail comes in, and what is done; each epoch is told before the next.

    `two_activities` and `sent_too` are the organisation's options.
    """

    methods: tuple[FilteringMethod, ...]
    mails: tuple[Mail, ...]
    epochs: tuple[tuple[Action, ...], ...]
    two_activities: bool = True
    sent_too: bool = False


# Choices are sampled, not drawn as numbers: those are mostly the smallest or largest there are.
_MORE_OFTEN_THAN_NOT = st.sampled_from((True, True, False))
_NOW_AND_THEN = st.sampled_from((False, False, False, True))


@st.composite
def _mail(draw: st.DrawFn, number: int, people: int) -> Mail:
    person = st.sampled_from(range(people))
    answers = number > 0 and draw(_MORE_OFTEN_THAN_NOT)
    return Mail(
        number=number,
        sender=draw(st.sampled_from((*OUTSIDERS, *range(people)))),
        to=tuple(draw(st.lists(person, min_size=1, max_size=people, unique=True))),
        outside=tuple(draw(st.lists(st.sampled_from(OUTSIDERS), max_size=1))),
        parent=draw(st.sampled_from(range(number))) if answers else None,
        names_parent=draw(_MORE_OFTEN_THAN_NOT),
        threaded=draw(_MORE_OFTEN_THAN_NOT),
        foreign=draw(_NOW_AND_THEN),
    )


@st.composite
def _actions(draw: st.DrawFn, choices: Sequence[Do], mails: int, people: int) -> tuple[Action, ...]:
    return tuple(
        Action(
            draw(st.sampled_from(choices)),
            draw(st.sampled_from(range(mails))),
            draw(st.sampled_from(range(people))),
        )
        for _ in range(draw(st.sampled_from(range(_MOST_ACTIONS + 1))))
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world."""
    people = draw(st.sampled_from(range(1, _MOST_PEOPLE + 1)))
    methods = tuple(draw(st.sampled_from(_METHODS)) for _ in range(people))
    count = draw(st.sampled_from(range(1, _MOST_MAILS + 1)))
    mails = tuple(draw(_mail(number, people)) for number in range(count))
    arrival = draw(_actions(ON_ARRIVAL, count, people))
    later = tuple(
        draw(_actions(draw(st.sampled_from((ADDING, REMOVING))), count, people))
        for _ in range(draw(st.sampled_from(range(_MOST_EPOCHS))))
    )
    return World(methods, mails, (arrival, *later), draw(_MORE_OFTEN_THAN_NOT), draw(_NOW_AND_THEN))
