"""All services of one tenant, on one loop and behind fixed addresses."""

import json
import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sandbox.certificate import Certificate
from sandbox.control import Control
from sandbox.credential import SandboxCredential
from sandbox.dataverse.seed import service_principal
from sandbox.dataverse.service import Dataverse
from sandbox.graph.server import Graph
from sandbox.identity.directory import Directory
from sandbox.identity.server import Identity
from sandbox.identity.tokens import TokenAuthority
from sandbox.servicebus.entities import read_entities
from sandbox.servicebus.faults import Fault
from sandbox.servicebus.server import ServiceBus
from sandbox.store import Document
from sandbox.tenant import Tenant
from sandbox.web import Surroundings

# What the application is consented to (graph.md 1.3).
ROLES = (
    "Mail.ReadWrite",
    "Mail.Send",
    "Calendars.ReadWrite",
    "MailboxSettings.ReadWrite",
    "Contacts.ReadWrite",
    "Tasks.ReadWrite.All",
    "User.Read.All",
    "GroupMember.Read.All",
)


class Ports(BaseModel):
    """Where the services listen: the same after a restart, for others keep their addresses."""

    model_config = ConfigDict(frozen=True)

    identity: int
    graph: int
    dataverse: int
    dataverse_tls: int
    servicebus: int
    functions: int

    @classmethod
    def kept_in(cls, state: Path | None) -> "Ports":
        """Return the ports of `state`, chosen anew where there are none yet."""
        file = state / "ports.json" if state else None
        if file and file.exists():
            return cls.model_validate_json(file.read_text())
        ports = cls(**dict(zip(cls.model_fields, _free_ports(len(cls.model_fields)), strict=True)))
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(ports.model_dump_json())
        return ports


class Services:
    """Identity, Graph, Dataverse and Service Bus of one tenant.

    `entities` is the file that declares the queues; with `state`, a directory, everything that the
    real services would keep survives the process. Given a `certificate`, Dataverse listens over
    TLS, too: the official synchronous client takes nothing else.
    """

    def __init__(
        self,
        tenant: Tenant,
        *,
        entities: Path,
        state: Path | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self.tenant = tenant
        self.ports = Ports.kept_in(state)
        key_file = state / "identity.pem" if state else None
        authority = TokenAuthority(tenant.tenant_id, key_file=key_file)
        self.principal = service_principal(tenant).model_copy(update={"roles": ROLES})
        self.surroundings = Surroundings(authority)
        self.identity = Identity(
            authority, self.surroundings, [self.principal], Directory(tenant.people)
        )
        self.dataverse = Dataverse(
            tenant,
            self.surroundings,
            principal=self.principal,
            state=state,
            certificate=certificate,
        )
        self.graph = Graph(
            tenant,
            self.surroundings,
            principal=self.principal,
            state=state / "graph.db" if state else None,
        )
        self.servicebus = ServiceBus(
            read_entities(entities),
            clock=self.surroundings.clock,
            state=state / "servicebus.db" if state else None,
        )
        Control(
            self.graph,
            self.surroundings,
            fault_parts={"servicebus": _BrokerFaults(self.servicebus)},
            snapshot=self.stats,
        )

    async def start(self) -> None:
        """Start every service; the one that sends notifications last."""
        await self.identity.start(self.ports.identity)
        await self.servicebus.start(port=self.ports.servicebus)
        await self.dataverse.start(self.ports.dataverse, tls_port=self.ports.dataverse_tls)
        await self.graph.start(self.ports.graph)

    async def stop(self) -> None:
        """Stop every service and let the state go."""
        await self.graph.stop()
        await self.dataverse.stop()
        await self.servicebus.stop()
        await self.identity.stop()

    def credential(self) -> SandboxCredential:
        """Return a credential of the application, for a client in this process."""
        return SandboxCredential(self.surroundings.authority, self.principal)

    def stats(self) -> Document:
        """Return the request counters of all services."""
        counters: Document = dict(self.surroundings.stats.snapshot())
        operations = self.servicebus.operations()
        return {
            **counters,
            "servicebus": {"operations": operations, "queues": self.servicebus.counts()},
        }


class _BrokerFaults:
    """The broker's fault plan, as the control API takes and shows it."""

    def __init__(self, servicebus: ServiceBus) -> None:
        self._plan = servicebus.faults

    def replace(self, faults: list[Document]) -> None:
        """Put faults in force instead of those before; the broker's own name is taken off first."""
        named = [{k: v for k, v in fault.items() if k != "service"} for fault in faults]
        self._plan.replace([Fault.model_validate(fault) for fault in named])

    def current(self) -> list[Document]:
        """Return the faults in force."""
        return [{"service": "servicebus", **fault.model_dump()} for fault in self._plan.faults]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def write_json(path: Path, document: Document) -> None:
    """Write a JSON file in one step, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(path)
