"""The OpenAPI 3.1 document of the API, written from the table of routes and the wire's models."""

import json
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.tracking import examples
from shared.tracking.api import Surface
from shared.tracking.callers import SCOPE
from shared.tracking.problems import MEDIA_TYPE, Problem
from shared.tracking.routes import ROUTES, Route

VERSION = "1.0.0"
_COMPONENT = "#/components/schemas/{model}"
_ABOUT = (
    "Saves mail, meetings, contacts and tasks of Outlook to Dynamics 365, removes them, and tells"
    " how they stand. Every refusal is a problem document with a stable `code`."
)
_PATH_ID = "^[A-Za-z0-9_=~-]+$"
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": (
        "The item's id in the mailbox, as Graph has it. A task is named `<list id>~<task id>`."
    ),
    "schema": {"type": "string", "pattern": _PATH_ID, "minLength": 1, "maxLength": 512},
    "example": examples.MAIL_ID,
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "The seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_CHALLENGE = {
    "WWW-Authenticate": {
        "description": "How to sign in: with a bearer token.",
        "schema": {"type": "string"},
    }
}
_HEADERS = {401: _CHALLENGE, 503: _RETRY_AFTER}


@cache
def document(surface: Surface) -> bytes:
    """Return the document of an installation, as JSON."""
    return json.dumps(_document(surface)).encode()


def _document(surface: Surface) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(f"/api/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tether", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"entra": [_scope(surface)]}, {"bearer": []}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _security(surface)},
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.function,
        "summary": route.summary,
        "parameters": [*([_ID] if route.names_an_item else []), *_parameters(route.query)],
        "responses": {
            **{str(status): _answer(route, status) for status in route.answers},
            **{str(status): _problem(status) for status in sorted(route.problems)},
        },
    }
    if route.body:
        content = {"schema": _reference(route.body), "example": examples.BODIES[route.body]}
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": content},
        }
    if route.is_open:
        operation["security"] = []
    return operation


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the query's parameters; in an address each is left out or has a value, never null."""
    schema = query.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": told.pop("description"),
            "schema": _inlined(told, schema.get("$defs", {})),
        }
        for name, told in schema.get("properties", {}).items()
    ]


def _inlined(told: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    choices = [one for one in told.get("anyOf", [told]) if one.get("type") != "null"]
    (choice,) = choices
    reference = choice.get("$ref")
    found = definitions[reference.rpartition("/")[2]] if reference else choice
    kept = {key: value for key, value in found.items() if key in {"type", "enum", "format"}}
    return kept if told.get("default") is None else {**kept, "default": told["default"]}


def _answer(route: Route, status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}}
    if route.answer:
        example = examples.ANSWERS[route.answer, status]
        content = {"schema": _reference(route.answer), "example": example}
    return {"description": route.answers[status], "content": {"application/json": content}}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _HEADERS.get(status, {}),
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _COMPONENT.format(model=model.__name__)}


def _schemas() -> dict[str, Any]:
    bodies = {route.body for route in ROUTES if route.body}
    answers = {route.answer for route in ROUTES if route.answer} | {Problem}
    ordered = sorted(bodies | answers, key=lambda model: model.__name__)
    _, told = models_json_schema(
        [(model, "validation" if model in bodies else "serialization") for model in ordered],
        ref_template=_COMPONENT,
    )
    definitions: dict[str, Any] = told["$defs"]
    return definitions


def _security(surface: Surface) -> dict[str, Any]:
    authority = f"{surface.login}/{surface.tenant}/oauth2/v2.0"
    return {
        "entra": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{authority}/authorize",
                    "tokenUrl": f"{authority}/token",
                    "scopes": {_scope(surface): "Act in Outlook and Dynamics as who signs in."},
                }
            },
        },
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }


def _scope(surface: Surface) -> str:
    return f"{surface.audience}/{SCOPE}" if surface.audience else SCOPE
