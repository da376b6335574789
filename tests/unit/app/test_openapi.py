"""The OpenAPI document says what the routes and the wire's models say."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from shared.catalogue.catalogue import entries
from shared.tracking import examples
from shared.tracking.api import Surface
from shared.tracking.contract import State
from shared.tracking.openapi import document
from shared.tracking.routes import ROUTES, Route

type Json = Any
SURFACE = Surface("https://login.example", "11111111-1111-1111-1111-111111111111", "api://a")


@pytest.fixture(scope="module")
def told() -> Json:
    return json.loads(document(SURFACE))


def operation(told: Json, route: Route) -> Json:
    return told["paths"][f"/api/{route.path}"][route.method.lower()]


def test_each_route_is_described_once(told: Json) -> None:
    described = [(path, method) for path, methods in told["paths"].items() for method in methods]
    assert sorted(described) == sorted((f"/api/{r.path}", r.method.lower()) for r in ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_a_route_is_described_whole(told: Json, route: Route) -> None:
    described = operation(told, route)
    assert described["operationId"] == route.function
    assert {int(status) for status in described["responses"]} == {*route.answers, *route.problems}
    names = {one["name"] for one in described["parameters"] if one["in"] == "query"}
    assert names == set(route.query.model_fields)
    assert ("requestBody" in described) == (route.body is not None)
    assert (described.get("security") == []) == route.is_open


def test_every_example_is_what_the_schemas_say(told: Json) -> None:
    def check(example: Json, reference: dict[str, str]) -> None:
        schema = {**reference, "components": told["components"]}
        Draft202012Validator(schema).validate(example)

    for route in ROUTES:
        described = operation(told, route)
        if route.body:
            content = described["requestBody"]["content"]["application/json"]
            check(content["example"], content["schema"])
            route.body.model_validate(content["example"])
        if route.answer:
            for status in route.answers:
                content = described["responses"][str(status)]["content"]["application/json"]
                check(content["example"], content["schema"])
                route.answer.model_validate(examples.ANSWERS[route.answer, status])


def test_signing_in_is_at_the_tenants_own_authority(told: Json) -> None:
    flow = told["components"]["securitySchemes"]["entra"]["flows"]["authorizationCode"]
    base = f"{SURFACE.login}/{SURFACE.tenant}/oauth2/v2.0"
    assert (flow["authorizationUrl"], flow["tokenUrl"]) == (f"{base}/authorize", f"{base}/token")
    assert list(flow["scopes"]) == ["api://a/access_as_user"]


def test_every_reference_leads_somewhere(told: Json) -> None:
    def references(one: Json) -> set[str]:
        if isinstance(one, list):
            return set().union(*map(references, one))
        if isinstance(one, dict):
            own = {one["$ref"]} if isinstance(one.get("$ref"), str) else set()
            return own.union(*map(references, one.values()))
        return set()

    schemas = told["components"]["schemas"]
    assert references(told) <= {f"#/components/schemas/{name}" for name in schemas}


def test_the_page_for_developers_names_every_route_and_state() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()
    for route in ROUTES:
        assert route.is_open or f"| `{route.method} /api/{route.path}` |" in page
    assert all(f"| `{state}` |" in page for state in State)


def test_the_catalogue_has_the_words_of_what_the_api_refuses() -> None:
    codes = {
        "api-not-configured", "not-signed-in", "token-expired", "token-refused", "no-access",
        "sign-in-unreachable", "not-your-mailbox", "malformed-request", "invalid-request",
        "not-json", "too-large", "item-not-found", "busy", "internal-error", "not-saved",
    }  # fmt: skip
    assert codes <= entries().keys()
