"""Tether itself, over a whole tenant, keeps what its OpenAPI document promises."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bench.signing_in import token_of
from shared.identifiers import Kind
from shared.tracking.routes import ROUTES, Route
from tests.contract.api.promises import BOTH_WAYS, Promised
from tests.system.mails import mail
from tests.system.stacks import running_company, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Whole:
    """What the running app promises, and what is in a mailbox of its tenant."""

    promised: Promised
    mailbox: str
    ids: dict[Kind, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole() -> AsyncIterator[Whole]:
    async with running_company(tenant_of(2), warm=False) as (stack, company):
        tenant, signing_in = stack.services.tenant, stack.signing_in
        form = signing_in.form(signing_in.administrator)
        token = await token_of(stack.services.identity.url, tenant.tenant_id, form)
        headers = {"Authorization": f"Bearer {token}"}
        contact = {"givenName": "Carla", "emailAddresses": [{"address": "carla@customer.example"}]}
        ids = {
            Kind.MAIL: (await company.deliver("ada", mail("Offer")))["id"],
            Kind.CONTACTS: (await company.graph("POST", "/users/{ada}/contacts", contact))["id"],
        }
        promised = await Promised.by(stack.functions_url, headers, examples=10)
        yield Whole(promised, tenant.people[0].id, ids)


@pytest.mark.parametrize("way", BOTH_WAYS)
async def test_every_answer_is_a_documented_one(whole: Whole, way: str) -> None:
    await whole.promised.hold(*BOTH_WAYS[way])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
async def test_every_answer_about_what_is_there_is_a_documented_one(
    whole: Whole, route: Route
) -> None:
    await whole.promised.hold_for(route, whole.mailbox, whole.ids)
