"""One mailbox's round of delta through its To Do: what is asked next, what is told. Pure.

`links` says of each list how far it is known, and under `LISTS` how far the lists themselves are;
an empty link means that it is walked from the start. Nothing is forgotten on the way: a list that
was heard of and not yet walked is among the links, and so is one whose link Graph has forgotten. A
link stays while its list tells nothing, so that a quiet mailbox is not written to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pydantic import ValidationError

from shared.answers import Answer
from shared.changes import Change, Hint
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.task_delta import Page, lists_delta, must_start_afresh, tasks_delta
from shared.graph.tasks import item_of, list_and_task
from shared.identifiers import ItemId, Kind, MailboxId

LISTS = "lists"
_GONE = "ErrorItemNotFound"  # any other 404 speaks of the mailbox (graph.md 1.7)


@dataclass(frozen=True, slots=True)
class Step:
    """The next page of a list; `afresh` if its walk began at the start."""

    list_id: str
    link: str
    afresh: bool


class Walk:
    """A round through the lists of `mailbox`, known as far as `links` say."""

    def __init__(self, mailbox: MailboxId, links: Mapping[str, str]) -> None:
        self.mailbox = mailbox
        self.links = {LISTS: "", **links}
        self.problems: list[Answer] = []
        """What Graph did not tell, or in the end Dynamics."""
        self.unsure: set[str] = set()
        """Lists of which it is not known what has gone: what is tracked there is told as well.

        `LISTS` stands for those that are not known any more.
        """
        self._told: dict[ItemId, tuple[Hint, str]] = {}
        self._stirred: set[str] = set()
        self._seen: set[str] = set()
        self._doubtful = False
        self._before = dict(links)
        self._steps: list[Step] = []
        for list_id in self.links:
            self._go_on(list_id)

    @property
    def has_moved(self) -> bool:
        """Whether anything is known further than it was."""
        return self.links != self._before

    @property
    def lists(self) -> frozenset[str]:
        """The lists that are walked."""
        return frozenset(self.links.keys() - {LISTS})

    @property
    def knows_all_lists(self) -> bool:
        """Whether a list that is not among `lists` is not there."""
        return bool(self.links[LISTS])

    def steps(self) -> list[tuple[Step, GraphRequest]]:
        """Return what is to be asked next, nothing when the round is over."""
        steps, self._steps = self._steps, []
        return [(step, self._request(step)) for step in steps]

    def learn(self, step: Step, response: GraphResponse) -> None:
        """Take in an answer; what is wrong with it concerns its list alone."""
        if step.list_id not in self.links:
            return
        if must_start_afresh(response) and not step.afresh:
            self._begin(step.list_id)
        elif response.code == _GONE and step.list_id != LISTS:
            self._forget(step.list_id)
            # The lists have not said so: if it is there after all, only asking for all will tell.
            self._doubtful = True
            self.links[LISTS] = ""
        elif not response.ok:
            self.problems.append(response)
        else:
            self._turn(step, response)

    def tell(self, items: Iterable[ItemId]) -> None:
        """Tell of tracked tasks, too, if they are in a list that one cannot be sure of."""
        for item in items:
            list_id, _ = list_and_task(item)
            if (list_id if list_id in self.links else LISTS) in self.unsure:
                self._told.setdefault(item, (Hint.UPDATED, ""))

    def changes(self, now: datetime) -> list[Change]:
        """Return a change for each task that may have changed."""
        return [self._change(item, *told, now) for item, told in self._told.items()]

    def _turn(self, step: Step, response: GraphResponse) -> None:
        try:
            page = Page.model_validate(response.body)
        except ValidationError as error:
            self.problems.append(_nonsense(error))
            return
        if step.list_id == LISTS:
            self._note_lists(page, step)
        else:
            self._note_tasks(page, step)
        if page.value:
            self._stirred.add(step.list_id)
        if page.more:
            self._steps.append(Step(step.list_id, page.more, step.afresh))
        elif step.list_id == LISTS and self._doubtful:
            self.links[LISTS] = ""
        elif step.afresh or step.list_id in self._stirred:
            self.links[step.list_id] = page.end

    def _note_lists(self, page: Page, step: Step) -> None:
        for entry in page.value:
            if entry.removed is not None:
                self._forget(entry.id)
            elif entry.id not in self.links and entry.holds_own_tasks:
                self._begin(entry.id)
            self._seen.add(entry.id)
        if step.afresh and not page.more:
            for list_id in self.links.keys() - self._seen - {LISTS}:
                self._forget(list_id)

    def _note_tasks(self, page: Page, step: Step) -> None:
        for entry in page.value:
            item = item_of(step.list_id, entry.id)
            if entry.removed is not None:
                self._told[item] = (Hint.DELETED, "")
            elif entry.is_marked or not step.afresh:
                self._told[item] = (Hint.UPDATED, entry.etag)

    def _begin(self, list_id: str) -> None:
        self.links[list_id] = ""
        self._go_on(list_id)

    def _go_on(self, list_id: str) -> None:
        link = self.links[list_id]
        if not link:
            self.unsure.add(list_id)
        self._steps.append(Step(list_id, link, afresh=not link))

    def _forget(self, list_id: str) -> None:
        self.links.pop(list_id, None)
        self.unsure.add(LISTS)

    def _request(self, step: Step) -> GraphRequest:
        if step.list_id == LISTS:
            return lists_delta(self.mailbox, step.link)
        return tasks_delta(self.mailbox, step.list_id, step.link)

    def _change(self, item: ItemId, hint: Hint, etag: str, now: datetime) -> Change:
        # What has gone has no version, and two tellings of it need not be the same one.
        return Change(
            id=f"{self.mailbox}/{item}/{hint}/{etag or uuid4().hex}",
            mailbox=self.mailbox,
            kind=Kind.TASKS,
            item=item,
            hint=hint,
            noticed=now,
            etag=etag or None,
        )


def _nonsense(error: ValidationError) -> GraphResponse:
    problem = f"a page of delta in a shape nobody knows: {error.errors()[0]['msg']}"
    return GraphResponse(200, {"error": {"code": "", "message": problem}})
