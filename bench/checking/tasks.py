"""What Dynamics should hold of tasks: a row for each that is tracked, as far as it has come."""

from datetime import UTC, datetime
from typing import Any

from bench.journal import Line
from bench.running import Run
from bench.to_dos import task_path
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import Kind

_TRACKED = 1
_LINKS = "tether_links?$filter=tether_kind eq 4"
_STATUS = {"notStarted": 2, "inProgress": 3, "waitingOnOthers": 4, "completed": 5, "deferred": 7}


async def differences(run: Run) -> list[str]:
    """Return every difference between the tasks of a run and Dynamics, in plain words."""
    rows = {row["activityid"]: row for row in await run.stack.rows("tasks")}
    links = {
        (row["_tether_mailboxid_value"], row["tether_itemid"]): row["_tether_taskid_value"]
        for row in await run.stack.rows(_LINKS)
        if row["tether_state"] == _TRACKED
    }
    found: list[str] = []
    for line in run.journal.of(Kind.TASKS):
        row = rows.pop(links.pop((line.mailbox, line.item), ""), None)
        try:
            shown = await run.read(task_path(line))
        except LookupError:
            shown = {"categories": []}
        if TRACKED_CATEGORY in shown["categories"]:
            found += _row_differences(line, shown, row)
        elif row:
            found.append(f"'{line.subject}' in {line.upn} should not be in Dynamics")
    return [*found, *(f"Dynamics holds a task too many: {row['subject']}" for row in rows.values())]


def _row_differences(line: Line, shown: dict[str, Any], row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return [f"'{line.subject}' in {line.upn}: Dynamics lacks it"]
    wanted = (shown["title"], _STATUS[shown["status"]], _moment(shown.get("dueDateTime")))
    due = row["scheduledend"]
    held = (row["subject"], row["statuscode"], datetime.fromisoformat(due) if due else None)
    if held == wanted:
        return []
    return [f"'{line.subject}' in {line.upn}: Dynamics holds {held}, Outlook shows {wanted}"]


def _moment(stated: dict[str, str] | None) -> datetime | None:
    return datetime.fromisoformat(stated["dateTime"]).replace(tzinfo=UTC) if stated else None
