"""The attachments of tracked items follow their rows, one file at a time.

The row comes first and is complete without them: whatever becomes of a file, the mail is in
Dynamics. Keys are derived, so a file is written once however often this is tried; the link keeps
that files are pending until all have followed or been left out, each with its reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.changes import Change
from shared.dataverse.attachments import File, attach, holder_row
from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.tracking import note_attachments
from shared.errors import Permanent, Transient
from shared.graph.attachments import Contents, read_content
from shared.graph.client import Graph, GraphResponse
from shared.identifiers import ActivityId, Kind, LinkId
from shared.sync.files import Candidate, candidates, left_out, left_out_with, sentence
from shared.sync.files_known import FilesKnown, listed, look_up
from shared.sync.outcome import Failed, Impossible, LaterLook, Outcome
from shared.sync.plan import Keep, Plan, Track
from shared.sync.settling import MAX_ATTEMPTS

_AT_MOST = timedelta(seconds=60)  # of a batch's time, whose messages are locked for minutes
_SOON_SECONDS = 5.0
_OF_MEETINGS = "Its attachments are left out: the organisation brings none of meetings over."


@dataclass(frozen=True, slots=True)
class Following:
    """An item whose files are to follow its row `activity`; `link` is the item's."""

    change: Change
    link: LinkId
    activity: ActivityId


def following[C](change: Change, plan: Plan[C]) -> Following | None:
    """Return what is to follow a row, None if nothing is."""
    match plan:
        case Track(attachments=True, tied=tied, link=link) if tied:
            return Following(change, link, tied)
        case Keep(attachments=True, tied=tied, known=known) if tied:
            return Following(change, known.id, tied)
        case _:
            return None


class Attaching:
    """Brings attachments over; one for a process. `now` tells the time in UTC."""

    def __init__(
        self, graph: Graph, contents: Contents, dataverse: Dataverse, now: Callable[[], datetime]
    ) -> None:
        self._graph = graph
        self._contents = contents
        self._dataverse = dataverse
        self._now = now

    async def follow(self, items: Sequence[Following], outcome: Outcome) -> list[Change]:
        """Return the changes that are done with; `outcome` tells what became of the others.

        Where there are too many files for now, a later look goes on with them.

        Raises:
            Transient: Dynamics did not answer.
            Permanent: Dynamics will never answer.
        """
        until = self._now() + _AT_MOST
        found = await listed(self._graph, [item.change for item in items], outcome)
        files = {
            item: candidates(item.activity, found[item.change])
            for item in items
            if item.change in found
        }
        known = await look_up(
            self._dataverse,
            {item.activity: item.change.kind for item in files},
            (one.id for some in files.values() for one in some),
        )
        ended: list[tuple[Change, Operation]] = []
        done: list[Change] = []
        for item, some in files.items():
            change, notes = item.change, list[str]()
            rest = await self._bring(item, some, known, notes, until)
            if isinstance(rest, LaterLook):
                outcome.look_again.append(rest)
                done.append(change)
                continue
            is_last = change.attempt + 1 >= MAX_ATTEMPTS
            if rest is None or is_last:
                ended.append((change, note_attachments(item.link, notes)))
            if rest and is_last:
                outcome.impossible.append(Impossible(change, rest.problem))
            elif rest:
                outcome.failed.append(rest)
        return done + await self._note(ended, outcome)

    async def _note(
        self, ended: Sequence[tuple[Change, Operation]], outcome: Outcome
    ) -> list[Change]:
        """Let the links say how it ended; return the changes that are done with by that."""
        given_up = {end.change for end in outcome.impossible}
        done: list[Change] = []
        answers = await self._dataverse.batch([note for _, note in ended]) if ended else []
        for (change, _), answer in zip(ended, answers, strict=True):
            if change in given_up:
                continue
            if answer.ok or answer.has_moved_on:
                done.append(change)
            else:
                outcome.failed.append(Failed(change, answer.problem, answer.retry_after))
        return done

    async def _bring(
        self,
        item: Following,
        files: Sequence[Candidate],
        known: FilesKnown,
        notes: list[str],
        until: datetime,
    ) -> Failed | LaterLook | None:
        """Bring an item's files over; return what kept one from coming, or all from going on.

        `notes` gets a sentence on each that is left out.
        """
        holder = known.holders.get(item.activity)
        is_meeting = item.change.kind is Kind.CALENDAR
        if holder is None or (is_meeting and holder.is_closed):
            return None
        if is_meeting and files and not known.organization.meeting_attachments:
            notes.append(_OF_MEETINGS)
            return None
        failure: Failed | None = None
        for candidate in files:
            if candidate.id in known.present:
                continue
            if self._now() >= until:
                # Another id each time, or the broker takes it for a copy of the last look.
                told = {"looked_before": True, "id": f"{item.change.id}/files{len(known.present)}"}
                return LaterLook(item.change.model_copy(update=told), 0)
            came = await self._bring_one(item, candidate, known)
            if isinstance(came, Failed):
                notes.append(
                    sentence(candidate.name, f"it could not be brought over: {came.problem}")
                )
                failure = failure or came
            elif came:
                notes.append(came)
        return failure

    async def _bring_one(
        self, item: Following, candidate: Candidate, known: FilesKnown
    ) -> str | Failed:
        """Return why a file is left out, empty if it is over there now."""
        limits = known.organization.files
        if why := left_out(candidate, limits):
            return why
        change = item.change
        content = await self._contents.content(
            read_content(change.kind, change.mailbox, change.item, candidate.attachment)
        )
        if isinstance(content, GraphResponse):
            return Failed(change, content.problem, content.retry_after)
        file = candidate.file(content)
        return left_out_with(candidate, file, limits) or await self._write(item, file, known)

    async def _write(self, item: Following, file: File, known: FilesKnown) -> str | Failed:
        change, holder = item.change, known.holders[item.activity]
        try:
            written, read = await self._dataverse.batch([attach(holder, file), holder.read])
        except Transient as problem:
            return Failed(change, str(problem), problem.retry_after)
        except Permanent as problem:
            return sentence(file.name, str(problem))
        if read.ok:
            known.holders[item.activity] = holder_row(holder.table, holder.entity_set, read.body)
        if written.ok:
            known.present.add(file.id)
            return ""
        if written.is_final:
            return sentence(file.name, written.problem)
        wait = _SOON_SECONDS if written.has_moved_on else written.retry_after
        return Failed(change, written.problem, wait)
