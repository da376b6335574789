"""What the API's OpenAPI document promises, held against a running API."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
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

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
BOTH_WAYS = {
    f"{mode.value} {route.function}": (route, mode)
    for route in ROUTES
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or not route.is_open  # nothing is asked of who reads it
}
type AnyCase = Case[Any]
type Operation = APIOperation[Any, Any, Any, Any]


@dataclass
class Promised:
    """A running API, its document, and what an administrator sends to say who calls."""

    url: str
    headers: Mapping[str, str]
    schema: BaseSchema
    examples: int

    @classmethod
    async def by(cls, url: str, headers: Mapping[str, str], examples: int) -> "Promised":
        """Read the document of the API at an address."""
        async with aiohttp.request("GET", f"{url}/api/openapi.json") as answer:
            return cls(url, headers, schemathesis.openapi.from_dict(await answer.json()), examples)

    async def hold(self, route: Route, mode: GenerationMode) -> None:
        """Send a route what its description allows or forbids."""

        def check(case: AnyCase) -> None:
            # The Functions host leaves parameters without a value out.
            assume(all(value not in ("", [""], None) for value in case.query.values()))
            self._check(case)

        strategy = self._operation(route).as_strategy(generation_mode=mode)
        await asyncio.to_thread(self._bounded(given(strategy)(check)))

    async def hold_for(self, route: Route, mailbox: str, ids: Mapping[Kind, str]) -> None:
        """Send a route what its description allows, about items that are there."""

        def check(case: AnyCase, kind: Kind) -> None:
            if route.names_an_item:
                case.path_parameters["id"] = ids[kind].replace("/", "~")
                case.query["kind"] = kind.value
            if not route.is_open:
                case.query["mailbox"] = mailbox
            self._check(case)

        strategy = self._operation(route).as_strategy()
        of_kind = st.sampled_from(sorted(ids))
        await asyncio.to_thread(self._bounded(given(strategy, of_kind)(check)))

    def _operation(self, route: Route) -> Operation:
        operation: Operation = self.schema[f"/api/{route.path}"][route.method]
        return operation

    def _check(self, case: AnyCase) -> None:
        case.call_and_validate(base_url=self.url, headers=dict(self.headers), checks=CHECKS)

    def _bounded[T](self, test: T) -> T:
        bounds = settings(max_examples=self.examples, suppress_health_check=list(HealthCheck))
        bounded: T = bounds(test)
        return bounded
