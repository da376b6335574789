"""The API keeps what its OpenAPI document promises, whatever it is sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.identifiers import Kind
from shared.tracking.routes import ROUTES, Route
from tests.contract.api.office import IDS
from tests.contract.api.serving import ADA, ALAN, Serving, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 25
type AnyCase = Case[Any]
type Operation = APIOperation[Any, Any, Any, Any]
each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)


@dataclass
class Promised:
    """The running API, its document, and what an administrator sends to say who calls."""

    api: Serving
    schema: BaseSchema
    headers: dict[str, str]

    def operation(self, route: Route) -> Operation:
        operation: Operation = self.schema[f"/api/{route.path}"][route.method]
        return operation

    def check(self, case: AnyCase) -> None:
        case.call_and_validate(base_url=self.api.host.url, headers=self.headers, checks=CHECKS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def promised() -> AsyncIterator[Promised]:
    async with serving() as api:
        headers = await api.headers(ALAN)
        told = await api.call("GET", "openapi.json", headers)
        yield Promised(api, schemathesis.openapi.from_dict(told.document), headers)


@pytest.mark.parametrize(
    ("route", "mode"),
    [
        pytest.param(route, mode, id=f"{mode.value} {route.function}")
        for route in ROUTES
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or not route.is_open  # nothing is asked of who reads it
    ],
)
async def test_every_answer_is_a_documented_one(
    promised: Promised, route: Route, mode: GenerationMode
) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(promised.operation(route).as_strategy(generation_mode=mode))
    def hold(case: AnyCase) -> None:
        # The Functions host leaves parameters without a value out.
        assume(all(value not in ("", [""], None) for value in case.query.values()))
        promised.check(case)

    await asyncio.to_thread(hold)


@each_route
async def test_every_answer_about_what_is_there_is_a_documented_one(
    promised: Promised, route: Route
) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(promised.operation(route).as_strategy(), st.sampled_from(sorted(IDS)))
    def hold(case: AnyCase, kind: Kind) -> None:
        if route.names_an_item:
            case.path_parameters["id"] = IDS[kind].replace("/", "~")
            case.query["kind"] = kind.value
        if not route.is_open:
            case.query["mailbox"] = ADA.id
        promised.check(case)

    await asyncio.to_thread(hold)
