"""Makes Outlook and Dynamics agree on a batch of changes, whatever the order they came in.

One round: read the items (Graph, batches of 20), look up what Dynamics knows (one batch), decide,
put the category on, write (one batch). What another writer got to first is looked at again. What
the items are, and the rules for them, is their kind's (`rules.py`).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from shared.changes import Change, Hint, coalesce
from shared.dataverse.client import Dataverse
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import MailboxState
from shared.errors import Transient, where
from shared.graph.client import Graph
from shared.graph.items import Item
from shared.sync.attaching import Attaching, following
from shared.sync.facts import Facts
from shared.sync.giving_up import given_up
from shared.sync.looking import Look, looks_at
from shared.sync.looking_up import LookUp
from shared.sync.marking import at_new_version, is_overtaken, markings, unmarkings
from shared.sync.outcome import Failed, Impossible, LaterLook, Outcome, Settled
from shared.sync.plan import Ignore, Keep, Refuse, Track, Unlink
from shared.sync.reading import read_items, refused_by_graph
from shared.sync.refusing import refuse_what_is_given_up
from shared.sync.rules import Decision, Read, Rules
from shared.sync.seen import SeenVersions
from shared.sync.versions import is_older, may_be_older
from shared.sync.writes import failed_links, writes_for
from shared.telemetry import Parked
from shared.tracing import span

logger = logging.getLogger("tether.sync")

_ROUNDS = 4
_SOON_SECONDS = 5.0
_SLOW = timedelta(seconds=1)
_SUSPENDED = "the mailbox is not ready for server-side synchronization"
# The item is gone, or no longer in the version that was read.
_MOVED_ON = {404, 412}


class Reconciler[I: Item, F: Facts, C]:
    """Reconciles items of one kind; one for a process. `now` tells the time in UTC."""

    def __init__(
        self,
        rules: Rules[I, F, C],
        graph: Graph,
        dataverse: Dataverse,
        now: Callable[[], datetime],
        attaching: Attaching | None = None,
    ) -> None:
        self._rules = rules
        self._graph = graph
        self._dataverse = dataverse
        self._now = now
        self._attaching = attaching
        self._seen = SeenVersions()
        self._look_up = LookUp(rules, dataverse)

    async def reconcile(self, changes: Iterable[Change]) -> Outcome:
        """Return what became of each change; one for an item however often it was told of."""
        outcome = Outcome()
        told: list[Change] = []
        for change in changes:
            if self._seen.tells_nothing(change):
                outcome.settled.append(Settled(change, None))
            else:
                told.append(change)
        work = coalesce(told)
        moved_on: list[Failed] = []
        for _ in range(_ROUNDS if work else 0):
            moved_on = await self._guarded_round(work, outcome)
            work = [failed.change for failed in moved_on]
            if not work:
                break
        outcome.failed += moved_on
        await refuse_what_is_given_up(self._dataverse, outcome)
        return outcome

    async def look(self, changes: Sequence[Change]) -> list[Look[I, C]]:
        """Return how items stand, and what a reconcile would do; nothing is written.

        Raises:
            Transient: Graph or Dataverse did not answer.
            Permanent: Dataverse will never answer.
        """
        outcome = Outcome()
        reads = await read_items(self._rules, self._graph, changes, outcome, self._now())
        facts = await self._look_up.facts(reads)
        decisions, _ = self._decide(facts, reads, outcome)
        ends: list[Failed | Impossible] = [*outcome.failed, *outcome.impossible]
        return looks_at(changes, reads, decisions, ends)

    async def _guarded_round(self, work: list[Change], outcome: Outcome) -> list[Failed]:
        """Make a round; what one item does to it must not fail its neighbours."""
        before = len(outcome.settled)
        try:
            return await self._round(work, outcome)
        except Transient as problem:
            outcome.failed += [
                Failed(change, str(problem), problem.retry_after)
                for change in outcome.not_ended(work, before)
            ]
            return []
        except Exception as problem:  # noqa: BLE001 - it ends in the outcome
            rest = outcome.not_ended(work, before)
            if len(rest) > 1:
                half = len(rest) // 2
                moved_on = await self._guarded_round(rest[:half], outcome)
                return [*moved_on, *await self._guarded_round(rest[half:], outcome)]
            logger.warning("cannot be reconciled: %s", where(problem))
            reason = f"{type(problem).__name__}: {problem}"
            outcome.impossible += [Impossible(change, reason, Parked.DEFECT) for change in rest]
            return []

    async def _round(self, work: list[Change], outcome: Outcome) -> list[Failed]:
        """Take every change as far as it goes; return those to be looked at again at once."""
        began = self._now()
        with span("read", attributes={"tether.changes": len(work)}):
            reads = await read_items(self._rules, self._graph, work, outcome, self._now())
        with span("look up", attributes={"tether.items": len(reads)}):
            facts = await self._look_up.facts(reads)
        decisions, overtaken = self._decide(facts, reads, outcome)
        with span("mark", attributes={"tether.items": len(decisions)}):
            marked, changed_in_outlook = await self._mark(decisions, outcome)
        with span("write", attributes={"tether.items": len(marked)}):
            written, changed_in_dynamics = await self._write(marked, outcome)
        was_slow = self._now() - began > _SLOW
        for decision in await self._attach(written, outcome):
            self._settle(decision, outcome, was_slow=was_slow)
        return [*overtaken, *changed_in_outlook, *changed_in_dynamics]

    def _decide(
        self, facts: F, reads: Sequence[Read[I]], outcome: Outcome
    ) -> tuple[Sequence[Decision[I, C]], list[Failed]]:
        known: list[Read[I]] = []
        overtaken: list[Failed] = []
        waiting: list[Decision[I, C]] = []
        for read in reads:
            mailbox = facts.mailboxes.get(read.change.mailbox)
            if mailbox is None:
                problem = "the mailbox is not enrolled; it will be once it is ready in Dynamics"
                outcome.failed.append(Failed(read.change, problem))
            elif mailbox.state is MailboxState.SUSPENDED:
                waiting.append(Decision(read, Ignore(_SUSPENDED)))
            elif is_older(read.item, facts.links.get(read.link_id), read.change.attempt):
                problem = f"a later version of the {self._rules.noun} is in Dynamics already"
                overtaken.append(Failed(read.change, problem, _SOON_SECONDS))
            else:
                known.append(read)
        return [*waiting, *self._rules.decide(facts, known, self._now())], overtaken

    async def _mark(
        self, decisions: Sequence[Decision[I, C]], outcome: Outcome
    ) -> tuple[list[Decision[I, C]], list[Failed]]:
        ready = {id(decision): decision for decision in decisions}
        moved_on: list[Failed] = []
        marking = markings(decisions, self._rules)
        responses = await self._graph.batch([request for _, request in marking])
        for (decision, _), response in zip(marking, responses, strict=True):
            overtaken = response.ok and is_overtaken(decision, response)
            if response.ok and not overtaken:
                ready[id(decision)] = at_new_version(decision, response)
                continue
            del ready[id(decision)]
            if overtaken or response.status in _MOVED_ON:
                problem = f"the {self._rules.noun} changed while it was looked at"
                moved_on.append(Failed(decision.read.change, problem, _SOON_SECONDS))
            else:
                refused_by_graph(decision.read.change, response, outcome)
        return list(ready.values()), moved_on

    async def _write(
        self, decisions: Sequence[Decision[I, C]], outcome: Outcome
    ) -> tuple[list[Decision[I, C]], list[Failed]]:
        writes = writes_for(decisions, self._rules, self._look_up.entity_sets, self._now())
        responses = await self._dataverse.batch([write.change_set for write in writes])
        unwritten: set[int] = set()
        moved_on: list[Failed] = []
        hopeless: list[tuple[Decision[I, C], str]] = []
        for write, response in zip(writes, responses, strict=True):
            decisions_failed = [one for one in write.decisions if id(one) not in unwritten]
            if response.ok or not decisions_failed:
                continue
            unwritten |= {id(decision) for decision in decisions_failed}
            wait = _SOON_SECONDS if response.has_moved_on else response.retry_after
            failed = [
                Failed(decision.read.change, response.problem, wait)
                for decision in decisions_failed
            ]
            if response.has_moved_on:
                moved_on += failed
                continue
            for decision, failure in zip(decisions_failed, failed, strict=True):
                if why := given_up(decision, response):
                    hopeless.append((decision, why))
                else:
                    outcome.failed.append(failure)
        await self._give_up(hopeless, outcome)
        return [decision for decision in decisions if id(decision) not in unwritten], moved_on

    async def _attach(
        self, decisions: Sequence[Decision[I, C]], outcome: Outcome
    ) -> Sequence[Decision[I, C]]:
        """Have attachments follow their rows; return the decisions that are carried out by that."""
        found = (following(one.read.change, one.plan) for one in decisions)
        items = [one for one in found if one]
        if self._attaching is None or not items:
            return decisions
        done = set(await self._attaching.follow(items, outcome))
        waiting = {item.change for item in items} - done
        return [one for one in decisions if one.read.change not in waiting]

    async def _give_up(
        self, hopeless: Sequence[tuple[Decision[I, C], str]], outcome: Outcome
    ) -> None:
        """Let Outlook and Dynamics say what is so: not tracked, and why."""
        decisions = [decision for decision, _ in hopeless]
        await self._graph.batch(unmarkings(decisions, self._rules))
        await self._dataverse.batch(failed_links(hopeless, self._now()))
        outcome.impossible += [Impossible(one.read.change, problem) for one, problem in hopeless]

    def _settle(self, decision: Decision[I, C], outcome: Outcome, *, was_slow: bool) -> None:
        change, item, plan = decision.read.change, decision.read.item, decision.plan
        outcome.settled.append(Settled(change, plan))
        if item:
            self._seen.note(change.mailbox, change.item, item.etag)
        # Between the read and the write the item may have been deleted, and another instance may
        # have found no link yet to remove: after a slow round it is looked at once more.
        stale = was_slow and isinstance(plan, Track)
        stale |= isinstance(plan, Keep) and bool(plan.amended) and may_be_older(item, plan.known)
        if isinstance(plan, Unlink):
            outcome.look_again += [LaterLook(_about(heir, change), 0) for heir in plan.heirs]
        elif stale or (not isinstance(plan, Refuse) and plan.look_again):
            later = change.model_copy(update={"looked_before": True})
            outcome.look_again.append(LaterLook(later, item.depth if item else 0))


def _about(link: Link, change: Change) -> Change:
    """Return a change that has another copy looked at because of what happened to this one."""
    return change.model_copy(
        update={
            "id": f"{change.id}/{link.id}",
            "mailbox": link.mailbox,
            "item": link.item,
            "hint": Hint.UPDATED,
            "etag": None,
            "looked_before": True,
        }
    )
