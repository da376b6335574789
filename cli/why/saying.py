"""Says an answer: as rows for people and pipes, as a document for scripts. Pure."""

from collections.abc import Iterator
from typing import Any

from cli.output import shown
from cli.queue import Parked
from cli.why.answering import Answer
from cli.why.describing import Described
from cli.why.wording import remedy, under_way
from shared.dataverse.links import Link
from shared.tracking.contract import ItemStatus, Trouble

type Fact = tuple[str, object]


def facts(answer: Answer) -> Iterator[Fact]:
    """Give what there is to say, line by line."""
    item = answer.item
    yield "mailbox", f"{answer.seat.address}, {answer.state}"
    yield from _filled(
        ("kind", item.kind),
        ("when", shown(item.when)),
        ("folder", answer.folder),
        ("name", item.name),
        ("id", item.item),
    )
    if answer.status:
        yield from _standing(answer.status)
    for link in answer.links:
        yield "participant", _participant(answer, link)
    for told in under_way(answer):
        yield "under way", told
    if answer.trouble:
        yield from _trouble("trouble", answer.trouble)
    for trouble in answer.lacking:
        yield from _trouble("mailbox lacks", trouble)
    for one in answer.waiting.parked:
        yield "parked", f"{one.number}, since {shown(one.since)}: {one.reason}"
    yield from _filled(("queues", answer.waiting.unseen), ("remedy", remedy(answer)))


def document(answer: Answer) -> dict[str, Any]:
    """Return all of it, names as the API writes them."""
    status = answer.status
    return {
        "mailbox": {
            "id": answer.seat.id,
            "address": answer.seat.address,
            "state": answer.state,
            "lacking": [_written(one) for one in answer.lacking],
            "lastError": answer.seat.own["tether_lasterror"] or "",
        },
        "item": {**described(answer.item), "folder": answer.folder},
        "status": status.model_dump(mode="json", by_alias=True) if status else None,
        "trouble": _written(answer.trouble) if answer.trouble else None,
        "participants": [_link(answer, link) for link in answer.links],
        "underWay": list(under_way(answer)),
        "parked": [_message(one) for one in answer.waiting.parked],
        "queued": [_message(one) for one in answer.waiting.queued],
        "queuesUnseen": answer.waiting.unseen,
        "remedy": remedy(answer),
    }


def described(item: Described) -> dict[str, Any]:
    """Return what names an item."""
    return {
        "kind": item.kind,
        "id": item.item,
        "name": item.name,
        "subject": item.subject,
        "when": item.when,
    }


def _standing(status: ItemStatus) -> Iterator[Fact]:
    activity = status.activity
    yield "state", status.state
    yield "why", status.why
    yield from _filled(
        ("saved by", status.saved_by.name if status.saved_by else ""),
        ("saved on", shown(status.saved_on)),
        ("activity", activity.url if activity else ""),
    )
    if activity and activity.regarding:
        yield "regarding", f"{activity.regarding.name} ({activity.regarding.table})"
    for note in status.notes:
        yield "left out", note


def _trouble(what: str, trouble: Trouble) -> Iterator[Fact]:
    yield what, f"{trouble.code}: {trouble.administrator}"
    yield from _filled(("remedy", trouble.remedy), ("page", trouble.page))


def _participant(answer: Answer, link: Link) -> str:
    told = _link(answer, link)
    parts = [
        f"{told['address']}: {told['state']}",
        f"({told['reason']})" if told["reason"] and link.is_tracked else "",
        f"by {told['by']}" if told["by"] and link.is_tracked else "",
        f"on {shown(link.tracked_on)}" if link.tracked_on else "",
    ]
    detail = f": {link.detail}" if link.detail else ""
    return " ".join(filter(None, parts)) + detail


def _link(answer: Answer, link: Link) -> dict[str, Any]:
    mailbox, by = link.mailbox, link.tracked_by
    return {
        "mailbox": mailbox,
        "address": (answer.mailboxes.get(mailbox) if mailbox else "") or mailbox or "",
        "state": link.state.name.lower(),
        "reason": link.reason.name.lower() if link.reason else None,
        "by": answer.people.get(by, "") if by else "",
        "on": link.tracked_on,
        "detail": link.detail,
        "asked": link.request.action if link.request else None,
    }


def _message(one: Parked) -> dict[str, Any]:
    return {
        "number": one.number,
        "since": one.since,
        "due": one.due,
        "reason": one.reason,
        "attempt": max((change.attempt for change in one.changes or ()), default=0),
    }


def _written(trouble: Trouble) -> dict[str, Any]:
    return trouble.model_dump(mode="json", by_alias=True)


def _filled(*facts: Fact) -> Iterator[Fact]:
    return (fact for fact in facts if fact[1])
