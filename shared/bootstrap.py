"""Puts the app together: every client is made here, once for a process, on first use."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential
from azure.servicebus.aio import ServiceBusClient
from kiota_abstractions.request_adapter import RequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from shared.bus import Bus, ServiceBus
from shared.catalogue.catalogue import entry
from shared.config import Settings, read_settings
from shared.dataverse.client import Dataverse, DataverseClient
from shared.gathering import GatheringBus
from shared.graph.client import Graph, GraphClient
from shared.graph.client_state import ClientStateKeys
from shared.graph.subscriptions import SUBSCRIBED_KINDS
from shared.identifiers import Kind
from shared.sync.attaching import Attaching
from shared.sync.calendar.rolling import Rolling
from shared.sync.calendar.rules import CalendarRules
from shared.sync.census import Census
from shared.sync.consuming import Consumer, Reconciles
from shared.sync.contacts.rules import ContactRules
from shared.sync.enabling import Enabler
from shared.sync.enrolment import Enrolment
from shared.sync.hinted import Hinted
from shared.sync.list_watching import ListWatching
from shared.sync.mail.rules import MailRules
from shared.sync.polling import Poller
from shared.sync.reconcile import Reconciler
from shared.sync.rules import Rules
from shared.sync.subscribing import Subscriber
from shared.sync.tasks.rules import TaskRules
from shared.sync.waiting_saves import WaitingSaves
from shared.tracking.api import Api, Surface
from shared.tracking.authenticating import callers_by
from shared.tracking.finding import Finder
from shared.tracking.items import Items
from shared.tracking.mailbox_desk import MailboxDesk
from shared.tracking.people import People


@dataclass(frozen=True, slots=True)
class App:
    """What the functions work with; `inbound` is the bus for what the webhook takes in.

    `census` is there only if somebody is told.
    """

    tenant: str
    keys: ClientStateKeys
    bus: Bus
    inbound: Bus
    consumers: Mapping[Kind, Consumer]
    enrolment: Enrolment
    census: Census | None
    enabler: Enabler
    waiting: WaitingSaves
    rolling: Rolling
    poller: Poller
    api: Api
    now: Callable[[], datetime]


_app: App | None = None
_making = asyncio.Lock()


async def app() -> App:
    """Return the process's app, made when it is first asked for.

    The Functions worker runs all functions of a process on one loop, and ends without a hook in
    which clients could be closed (functions.md 8.4).
    """
    global _app  # noqa: PLW0603 - one for a process is what the clients need
    async with _making:
        if _app is None:
            settings = read_settings(os.environ)
            credential = ManagedIdentityCredential(client_id=settings.managed_identity_client_id)
            _app = make_app(settings, credential)
        return _app


async def api() -> Api:
    """Return what the process's API is served from."""
    return (await app()).api


def make_app(
    settings: Settings,
    credential: AsyncTokenCredential,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> App:
    """Return an app on its own clients; must be called on the loop it is to run on."""
    keys = ClientStateKeys(settings.tenant, settings.client_state_keys)
    graph = GraphClient(_graph_adapter(settings, credential))
    dataverse = DataverseClient(settings.dataverse_url, credential)
    subscriber = Subscriber(
        graph,
        keys,
        kinds=SUBSCRIBED_KINDS,
        webhook_base_url=settings.webhook_base_url,
        now=now,
    )
    bus = ServiceBus(_servicebus_client(settings, credential))
    watching = ListWatching(dataverse, subscriber, now, on=settings.tasks_subscriptions)
    poller = Poller(graph, dataverse, bus, watching, now)
    attaching = Attaching(graph, graph, dataverse, now)
    enrolment = Enrolment(graph, dataverse, subscriber, now, settings.native_sync)
    enabler = Enabler(graph, dataverse, settings.native_sync)
    waiting = WaitingSaves(dataverse, bus, now)
    reconcilers = reconcilers_by(settings, graph, dataverse, now, attaching)
    consuming: dict[Kind, Reconciles] = {
        **reconcilers,
        Kind.TASKS: Hinted(reconcilers[Kind.TASKS], poller),
    }
    desk = MailboxDesk(enabler, enrolment, waiting, dataverse, settings.sellers_may_enable)
    items = Items(
        Finder(graph, reconcilers, now),
        People(dataverse),
        desk,
        dataverse,
        bus,
        address=settings.dataverse_url,
        removal=settings.removal,
        now=now,
    )
    return App(
        tenant=settings.tenant,
        keys=keys,
        bus=bus,
        inbound=GatheringBus(bus),
        consumers={
            kind: Consumer(kind, reconciler, bus, now) for kind, reconciler in consuming.items()
        },
        enrolment=enrolment,
        census=Census(dataverse, SUBSCRIBED_KINDS, now, settings.native_sync)
        if settings.is_watched
        else None,
        enabler=enabler,
        waiting=waiting,
        rolling=Rolling(dataverse, bus, now),
        poller=poller,
        api=Api(
            callers=callers_by(settings, now),
            items=items,
            desk=desk,
            words=entry,
            surface=Surface(settings.login_endpoint, settings.tenant, settings.api_audience),
        ),
        now=now,
    )


def reconcilers_by(
    settings: Settings,
    graph: Graph,
    dataverse: Dataverse,
    now: Callable[[], datetime],
    attaching: Attaching | None = None,
) -> dict[Kind, Reconciler[Any, Any, Any]]:
    """Return what reconciles items of each kind by the settings, or only looks at them."""
    return {
        kind: Reconciler(rules, graph, dataverse, now, attaching)
        for kind, rules in _rules(settings).items()
    }


def _rules(settings: Settings) -> Mapping[Kind, Rules[Any, Any, Any]]:
    return {
        Kind.MAIL: MailRules(settings.mail_policy),
        Kind.CALENDAR: CalendarRules(settings.calendar_policy),
        Kind.CONTACTS: ContactRules(settings.contact_fields),
        Kind.TASKS: TaskRules(settings.task_policy),
    }


def _graph_adapter(settings: Settings, credential: AsyncTokenCredential) -> RequestAdapter[object]:
    scopes = [f"{settings.graph_endpoint}/.default"]
    adapter: RequestAdapter[object] = GraphServiceClient(credential, scopes).request_adapter
    adapter.base_url = f"{settings.graph_endpoint}/v1.0"
    return adapter


def _servicebus_client(settings: Settings, credential: AsyncTokenCredential) -> ServiceBusClient:
    if settings.servicebus_connection_string:
        return ServiceBusClient.from_connection_string(
            settings.servicebus_connection_string, retry_total=1
        )
    return ServiceBusClient(settings.servicebus_namespace or "", credential, retry_total=1)
