"""What sellers click in Outlook's add-in, and what it shows them: each click is noted."""

from typing import Any

from bench.add_in import AddIn, Told
from bench.journal import Click, Line
from bench.running import Run

_PATIENCE_SECONDS = 0.5


class Clicks:
    """The clicks of a run; `expected` is the status and the state, or the code of a refusal."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._add_in = AddIn(run.stack, run.http)

    async def look(self, line: Line, expected: str) -> Told:
        """Look at an item."""
        told = await self._add_in.look(line.upn, line.item, line.kind)
        return self._note(line.upn, f"looks at '{line.subject}'", told, expected)

    async def save(self, line: Line, expected: str, **wish: object) -> Told:
        """Save an item."""
        told = await self._add_in.save(line.upn, line.item, line.kind, **wish)
        return self._note(line.upn, f"saves '{line.subject}'", told, expected)

    async def remove_for_all(self, line: Line, expected: str) -> Told:
        """Remove an item of all participants; its row stays."""
        told = await self._add_in.remove(
            line.upn, line.item, line.kind, activity="unlink", scope="all"
        )
        return self._note(line.upn, f"removes '{line.subject}' for all", told, expected)

    async def turn_on(self, upn: str, expected: str) -> Told:
        """Turn a mailbox on."""
        told = await self._add_in.ask(upn, "POST", "mailbox/enable")
        return self._note(upn, "turns the mailbox on", told, expected)

    async def wait_until_on(self, upn: str) -> None:
        """Look at a mailbox as the add-in does while it waits.

        Raises:
            TimeoutError: it is not on in two minutes.
        """

        async def is_on() -> bool:
            return (await self._add_in.ask(upn, "GET", "mailbox")).state == "enabled"

        await self._run.until(is_on, every=_PATIENCE_SECONDS)

    async def states(self, lines: list[Line]) -> list[str]:
        """Ask how items of one mailbox stand, all at once, without a note."""
        asked = [{"kind": one.kind, "id": one.item.replace("/", "~")} for one in lines]
        told = await self._add_in.ask(lines[0].upn, "POST", "items/status", {"items": asked})
        return [one["state"] if one else "unknown" for one in told.document["items"]]

    def _note(self, upn: str, did: str, told: Told, expected: str) -> Told:
        shown = f"{told.status} {told.state}"
        self._run.journal.clicks.append(Click(upn, did, shown, _words(told.document), expected))
        self._run.look()
        return told


def _words(document: dict[str, Any]) -> str:
    """Return what people read of an answer."""
    if "code" in document:
        return str(document["seller"])
    if "kind" not in document:
        return _lacks(document["lacking"])
    words = [document["why"]]
    if saver := document["savedBy"]:
        words.append(f"saved by {saver['name']}")
    if (activity := document["activity"]) and activity["regarding"]:
        words.append(f"about {activity['regarding']['name']}")
    if others := document["participants"]:
        words.append(f"{others} other{'s have' if others > 1 else ' has'} it saved")
    return ", ".join(words)


def _lacks(lacking: list[dict[str, Any]]) -> str:
    """Return what a mailbox lacks: what comes first in full, of the rest the codes."""
    if not lacking:
        return ""
    first, *rest = lacking
    told = f"{first['seller']} ({first['code']}: {first['remedy']})"
    return f"{told} Then: {', '.join(one['code'] for one in rest)}" if rest else told
