"""Stacks for tests: started, warmed up, and ended without waiting for anybody."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from bench.stack import SELDOM, TetherStack
from sandbox.tenant import Tenant, make_tenant
from tests.system.company import TRACKED, Company
from tests.system.mails import mail


def tenant_of(mailboxes: int, *, filtering: int = 1, not_ready: tuple[int, ...] = ()) -> Tenant:
    """Return a tenant whose people have chosen a filter (server-side-sync.md 1.2)."""
    tenant = make_tenant(mailboxes)
    people = tuple(
        person.model_copy(
            update={"incoming_email_filtering_method": filtering, "ready": n not in not_ready}
        )
        for n, person in enumerate(tenant.people)
    )
    return tenant.model_copy(update={"people": people})


@asynccontextmanager
async def running_company(
    tenant: Tenant, *, warm: bool = True, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[tuple[TetherStack, Company]]:
    """Run a stack and the company that uses it; `warm` has it track one mail before."""
    # Tests count requests, and plan which of them fail.
    stack = TetherStack(tenant, settings={"TASKS_POLLING_SCHEDULE": SELDOM, **settings})
    try:
        await stack.start()
        async with Company(stack.addresses()) as company:
            if warm:
                await company.deliver("ada", mail("Warm-up"), categories=TRACKED)
                await company.quiet()
            yield stack, company
    finally:
        if stack.host:
            await stack.host.kill()
        await stack.stop()
