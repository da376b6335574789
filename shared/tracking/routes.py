"""The API's routes, each once: what it takes and may answer; `functions/tracking.py` serves them.

The OpenAPI document is written from this table, and a test holds the functions against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from shared.tracking.contract import (
    ItemStatus,
    MailboxStatus,
    RegardingRequest,
    SaveRequest,
    StatusAnswer,
    StatusRequest,
)
from shared.tracking.requests import ItemQuery, MailboxQuery, OpenQuery, RemovalQuery

# What any route that asks who calls may answer.
_USUAL = (400, 401, 403, 404, 409, 500, 503)
_WITH_BODY = (*_USUAL, 413, 415)
_WITH_REGARDING = (*_WITH_BODY, 422)
_DONE_OR_UNDER_WAY = {
    200: "How it stands now.",
    202: "It is under way; ask for the status until the state is no longer `saving`.",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one path. `function` is its name in the Functions host."""

    function: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, str]
    answer: type[BaseModel] | None
    query: type[BaseModel]
    body: type[BaseModel] | None = None
    body_required: bool = True
    problems: tuple[int, ...] = _USUAL
    is_open: bool = False

    @property
    def names_an_item(self) -> bool:
        """Tell whether the path has an item's id in it."""
        return "{id}" in self.path


ROUTES = (
    Route(
        function="item_status",
        method="GET",
        path="items/{id}",
        summary="How an item stands",
        answers={200: "How it stands, the same for every participant."},
        answer=ItemStatus,
        query=ItemQuery,
    ),
    Route(
        function="item_statuses",
        method="POST",
        path="items/status",
        summary="How several items stand",
        answers={200: "How each stands, in the order asked; null where there is no such item."},
        answer=StatusAnswer,
        query=MailboxQuery,
        body=StatusRequest,
        problems=_WITH_BODY,
    ),
    Route(
        function="save_item",
        method="PUT",
        path="items/{id}",
        summary="Save an item to Dynamics",
        answers=_DONE_OR_UNDER_WAY,
        answer=ItemStatus,
        query=ItemQuery,
        body=SaveRequest,
        body_required=False,
        problems=_WITH_REGARDING,
    ),
    Route(
        function="remove_item",
        method="DELETE",
        path="items/{id}",
        summary="Remove an item from Dynamics",
        answers=_DONE_OR_UNDER_WAY,
        answer=ItemStatus,
        query=RemovalQuery,
    ),
    Route(
        function="set_regarding",
        method="PUT",
        path="items/{id}/regarding",
        summary="Set, change or clear what a saved item is about",
        answers=_DONE_OR_UNDER_WAY,
        answer=ItemStatus,
        query=ItemQuery,
        body=RegardingRequest,
        problems=_WITH_REGARDING,
    ),
    Route(
        function="mailbox_status",
        method="GET",
        path="mailbox",
        summary="Whether a mailbox is ready, and what it lacks",
        answers={200: "Whether it is ready."},
        answer=MailboxStatus,
        query=MailboxQuery,
    ),
    Route(
        function="enable_mailbox",
        method="POST",
        path="mailbox/enable",
        summary="Turn sync on for a mailbox",
        answers={200: "It is on.", 202: "It was asked for; Dynamics is not done yet."},
        answer=MailboxStatus,
        query=MailboxQuery,
    ),
    Route(
        function="openapi_document",
        method="GET",
        path="openapi.json",
        summary="This document",
        answers={200: "The OpenAPI document of this API."},
        answer=None,
        query=OpenQuery,
        problems=(400, 500),
        is_open=True,
    ),
)
