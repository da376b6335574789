"""The order in which things are looked at: what depends on what does not work is left out."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path

from cli.clients import Clients, clients_of
from cli.doctor import dynamics, graph
from cli.doctor.bus import check_bus
from cli.doctor.clock import CHECK as CLOCK
from cli.doctor.clock import check_clock
from cli.doctor.findings import Finding, failed, ok, skipped, stands
from cli.doctor.identity import Who, check_identity
from cli.doctor.local import REQUIREMENTS, check_keys, check_versions
from cli.doctor.mailboxes import CHECK as MAILBOXES
from cli.doctor.mailboxes import check_mailboxes
from shared.config import read_settings
from shared.dataverse.standing import Standing, read_standings
from shared.errors import Misconfigured, Permanent, Transient


async def examine(
    values: Mapping[str, str],
    now: Callable[[], datetime],
    *,
    requirements: Path = REQUIREMENTS,
) -> AsyncIterator[Finding]:
    """Look at everything, and tell of each thing as soon as it is known."""
    try:
        settings = read_settings(values)
    except Misconfigured as problem:
        told = str(problem).removeprefix("Tether cannot start, check these app settings: ")
        yield failed("settings", told, "set it among the app's settings")
        return
    yield ok("settings", "complete")
    yield check_keys(settings.client_state_keys, now())
    yield check_versions(requirements)
    clock = await check_clock(settings.graph_endpoint, now)
    yield clock
    async with clients_of(settings, values) as clients:
        identity, who = await check_identity(clients)
        yield identity
        if who is None:
            yield skipped("service bus, graph, dynamics, mailboxes", "there is no identity")
            return
        for finding in await check_bus(clients.servicebus):
            yield finding
        async for finding in _as(who, clients, now, graph_answers=clock.check == CLOCK):
            yield finding


async def _as(
    who: Who, clients: Clients, now: Callable[[], datetime], *, graph_answers: bool
) -> AsyncIterator[Finding]:
    found = [finding async for finding in _dynamics(who, clients)]
    for finding in found:
        yield finding
    standings = await _standings(clients) if stands(found) else None
    if not graph_answers:
        yield skipped("graph roles, webhook, mailboxes", "Graph does not answer")
        return
    ready = [one.id for one in standings or () if one.ready]
    mailbox = ready[0] if ready else None
    if who.is_person:
        yield skipped("graph roles, webhook", "they are the app's, and a person is signed in")
    else:
        roles = await graph.check_roles(clients, who.roles, mailbox)
        for finding in roles:
            yield finding
        # Without the role for mail there is nothing to subscribe to.
        if stands(roles[:1]):
            for finding in await graph.check_webhook(clients, mailbox, now()):
                yield finding
        else:
            yield skipped("webhook", "it takes a subscription, and so Mail.ReadWrite")
    if standings is None:
        yield skipped(MAILBOXES, "Dynamics does not say which there are")
        return
    for finding in await check_mailboxes(clients, standings, now()):
        yield finding


async def _dynamics(who: Who, clients: Clients) -> AsyncIterator[Finding]:
    user, user_id = await dynamics.check_user(clients, who)
    yield user
    if not user_id:
        for finding in dynamics.none_of("Dynamics does not know the app"):
            yield finding
        return
    if not who.is_person:
        yield await dynamics.check_role(clients, user_id, who)
    yield await dynamics.check_schema(clients)


async def _standings(clients: Clients) -> list[Standing] | None:
    try:
        return await read_standings(clients.dataverse, clients.settings.native_sync)
    except (Permanent, Transient):
        return None
