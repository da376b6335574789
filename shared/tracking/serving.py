"""What each route of the API does, once it is known who calls; no HTTP in here but the status."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from shared.tracking.api import Api
from shared.tracking.callers import Caller, mailbox_for
from shared.tracking.contract import (
    ItemStatus,
    MailboxState,
    MailboxStatus,
    RegardingRequest,
    SaveRequest,
    State,
    StatusAnswer,
    StatusRequest,
)
from shared.tracking.item_ids import inside, outside
from shared.tracking.problems import Refusal
from shared.tracking.requests import (
    ItemQuery,
    MailboxQuery,
    RemovalQuery,
    asked_in,
    body_of,
    query_of,
)

_NOT_IN_DYNAMICS = {State.NOT_SAVED, State.REMOVED, State.IGNORED, State.FAILED}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: who calls, and what they brought; `item` is empty where the path has no id."""

    caller: Caller
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    item: str


type Answer = tuple[int, BaseModel]
"""The status, and what is told."""


async def item_status(api: Api, request: Request) -> Answer:
    """Tell how an item stands."""
    query = query_of(ItemQuery, request.query)
    mailbox = mailbox_for(request.caller, query.mailbox)
    (status,) = await api.items.status(mailbox, [inside(asked_in(request.item, query))])
    if status is None:
        raise Refusal("item-not-found", 404)
    return 200, outside(status)


async def item_statuses(api: Api, request: Request) -> Answer:
    """Tell how several items stand."""
    query = query_of(MailboxQuery, request.query)
    mailbox = mailbox_for(request.caller, query.mailbox)
    wanted = body_of(StatusRequest, request.headers, request.body)
    found = await api.items.status(mailbox, [inside(one) for one in wanted.items])
    return 200, StatusAnswer(items=tuple(one and outside(one) for one in found))


async def save_item(api: Api, request: Request) -> Answer:
    """Have an item saved."""
    query = query_of(ItemQuery, request.query)
    mailbox = mailbox_for(request.caller, query.mailbox)
    asked = inside(asked_in(request.item, query))
    wish = body_of(SaveRequest, request.headers, request.body, SaveRequest())
    return _of_item(await api.items.save(request.caller, mailbox, asked, wish))


async def set_regarding(api: Api, request: Request) -> Answer:
    """Set what a saved item is about; it saves nothing that is not."""
    query = query_of(ItemQuery, request.query)
    mailbox = mailbox_for(request.caller, query.mailbox)
    asked = inside(asked_in(request.item, query))
    wish = body_of(RegardingRequest, request.headers, request.body)
    (status,) = await api.items.status(mailbox, [asked])
    if status is None:
        raise Refusal("item-not-found", 404)
    if status.state in _NOT_IN_DYNAMICS:
        raise Refusal("not-saved", 409, status.why)
    saved = SaveRequest(regarding=wish.regarding)
    return _of_item(await api.items.save(request.caller, mailbox, asked, saved))


async def remove_item(api: Api, request: Request) -> Answer:
    """Have an item removed."""
    query = query_of(RemovalQuery, request.query)
    mailbox = mailbox_for(request.caller, query.mailbox)
    asked = inside(asked_in(request.item, query))
    removed = await api.items.remove(request.caller, mailbox, asked, query.activity, query.scope)
    return _of_item(removed)


async def mailbox_status(api: Api, request: Request) -> Answer:
    """Tell whether a mailbox is ready."""
    mailbox = mailbox_for(request.caller, query_of(MailboxQuery, request.query).mailbox)
    return 200, await api.desk.status(request.caller, mailbox)


async def enable_mailbox(api: Api, request: Request) -> Answer:
    """Turn sync on for a mailbox."""
    mailbox = mailbox_for(request.caller, query_of(MailboxQuery, request.query).mailbox)
    return _of_mailbox(await api.desk.enable(request.caller, mailbox))


def _of_item(status: ItemStatus) -> Answer:
    return 202 if status.state is State.SAVING else 200, outside(status)


def _of_mailbox(status: MailboxStatus) -> Answer:
    return 202 if status.state is MailboxState.WAITING else 200, status
