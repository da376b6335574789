"""The seller's API: find out who calls, do what is asked, answer JSON or a problem document.

Open to the network, for callers bring tokens of the tenant and no function key. Which origins a
browser may call from is the platform's own setting. Routes are those of `shared/tracking/routes`.
"""

import logging
from collections.abc import Awaitable, Callable

import azure.functions as func

from shared.errors import where
from shared.tracking import serving
from shared.tracking.api import Api
from shared.tracking.openapi import document
from shared.tracking.problems import MEDIA_TYPE, headers_of, problem_of, refusal_for
from shared.tracking.requests import OpenQuery, query_of

logger = logging.getLogger("tether.api")

_JSON = "application/json"
_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
type Act = Callable[[Api, serving.Request], Awaitable[serving.Answer]]


def blueprint_over(api: Callable[[], Awaitable[Api]]) -> func.Blueprint:
    """Return the API's functions, served from what `api` gives."""
    blueprint = func.Blueprint()

    @blueprint.route(route="items/{id}", methods=["GET"])
    async def item_status(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.item_status)

    @blueprint.route(route="items/status", methods=["POST"])
    async def item_statuses(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.item_statuses)

    @blueprint.route(route="items/{id}", methods=["PUT"])
    async def save_item(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.save_item)

    @blueprint.route(route="items/{id}", methods=["DELETE"])
    async def remove_item(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.remove_item)

    @blueprint.route(route="items/{id}/regarding", methods=["PUT"])
    async def set_regarding(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.set_regarding)

    @blueprint.route(route="mailbox", methods=["GET"])
    async def mailbox_status(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.mailbox_status)

    @blueprint.route(route="mailbox/enable", methods=["POST"])
    async def enable_mailbox(req: func.HttpRequest) -> func.HttpResponse:
        return await _answered(api, req, serving.enable_mailbox)

    @blueprint.route(route="openapi.json", methods=["GET"])
    async def openapi_document(req: func.HttpRequest) -> func.HttpResponse:
        return await _described(api, req)

    return blueprint


async def _answered(
    api: Callable[[], Awaitable[Api]], req: func.HttpRequest, act: Act
) -> func.HttpResponse:
    served = await api()
    try:
        request = serving.Request(
            caller=await served.callers.caller(req.headers),
            query=req.params,
            headers=req.headers,
            body=req.get_body(),
            item=req.route_params.get("id", ""),
        )
        status, told = await act(served, request)
    except Exception as error:  # noqa: BLE001 - whatever happens, callers get a problem document
        return _refused(served, error)
    return func.HttpResponse(
        told.model_dump_json(by_alias=True), status_code=status, mimetype=_JSON, headers=_ALWAYS
    )


async def _described(api: Callable[[], Awaitable[Api]], req: func.HttpRequest) -> func.HttpResponse:
    served = await api()
    try:
        query_of(OpenQuery, req.params)
    except Exception as error:  # noqa: BLE001 - as above
        return _refused(served, error)
    return func.HttpResponse(document(served.surface), mimetype=_JSON, headers=_ALWAYS)


def _refused(served: Api, error: Exception) -> func.HttpResponse:
    refusal = refusal_for(error)
    if refusal.status == 500:
        logger.error("failed: %s", where(error))
    else:
        logger.warning("refused status=%d code=%s", refusal.status, refusal.code)
    return func.HttpResponse(
        problem_of(refusal, served.words).model_dump_json(by_alias=True, exclude_none=True),
        status_code=refusal.status,
        mimetype=MEDIA_TYPE,
        headers={**_ALWAYS, **headers_of(refusal)},
    )
