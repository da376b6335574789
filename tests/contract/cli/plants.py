"""Misconfigurations that are planted into a tenant that is well."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.servicebus.faults import Fault as BusFault
from sandbox.services import ROLES
from shared.bus import PARKED, ServiceBus, parked_body
from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.roles import SERVICE
from tests.contract.cli.conftest import Office

LINK = "EntityDefinitions(LogicalName='tether_link')"


@dataclass
class Patient:
    """The tenant, and what an examination is given besides."""

    office: Office
    ahead: timedelta = field(default_factory=timedelta)
    requirements: Path | None = None

    def set_row(self, table: str, row_id: str, **values: object) -> None:
        rows = self.office.services.dataverse.organization.rows
        rows.put(table, row_id, {**(rows.get(table, row_id) or {}), **values})

    def set_mailbox(self, **values: object) -> None:
        """Set columns of Ada's `tether_mailbox` row."""
        self.set_row("tether_mailbox", self.office.services.tenant.people[0].id, **values)

    @property
    def user(self) -> str:
        """The key of the application user."""
        return self.office.services.tenant.stable_id("application user")

    def only_roles(self, *roles: str) -> None:
        """Have the app consented to these roles alone."""
        principal = self.office.services.principal.model_copy(update={"roles": roles})
        self.office.services.identity.answer_as(principal)

    def bus_fault(self, **stated: Any) -> None:  # noqa: ANN401 - a fault's fields
        fault = BusFault.model_validate({"point": "attach", "times": None, **stated})
        self.office.services.servicebus.faults.replace([fault])

    async def dynamics(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        services = self.office.services
        client = DataverseClient(services.dataverse.url, services.credential())
        response = await client.send(Operation(method, path, body))
        await client.close()
        assert response.ok, response.problem


Plant = Callable[[Patient], Awaitable[None] | None]


def setting(name: str, value: str) -> Plant:
    def plant(patient: Patient) -> None:
        patient.office.changed[name] = value

    return plant


def without(*roles: str, instead: tuple[str, ...] = ()) -> Plant:
    def plant(patient: Patient) -> None:
        patient.only_roles(*(role for role in ROLES if role not in roles), *instead)

    return plant


def fault(service: str, operation: str, status: int, **stated: object) -> Plant:
    def plant(patient: Patient) -> None:
        patient.office.fault(service, operation, status, **stated)

    return plant


def bus(**stated: Any) -> Plant:  # noqa: ANN401 - a fault's fields
    def plant(patient: Patient) -> None:
        patient.bus_fault(**stated)

    return plant


def row(**values: object) -> Plant:
    def plant(patient: Patient) -> None:
        patient.set_mailbox(**values)

    return plant


def skewed(**by: float) -> Plant:
    def plant(patient: Patient) -> None:
        patient.ahead = timedelta(**by)

    return plant


def other_versions(patient: Patient) -> None:
    patient.requirements = patient.office.folder / "requirements.txt"
    patient.requirements.write_text("azure-core==0.0.1  # long ago\n")


def no_roles_in_dynamics(patient: Patient) -> None:
    rows = patient.office.services.dataverse.organization.rows
    for one in rows.find("systemuserroles", "systemuserid", patient.user):
        rows.remove("systemuserroles", one)


async def only_administrator(patient: Patient) -> None:
    path = f"systemusers({patient.user})/systemuserroles_association({SERVICE.id})/$ref"
    await patient.dynamics("DELETE", path)


async def column_gone(patient: Patient) -> None:
    await patient.dynamics("DELETE", f"{LINK}/Attributes(LogicalName='tether_detail')")


async def view_gone(patient: Patient) -> None:
    rows = patient.office.services.dataverse.organization.rows
    rows.remove("savedquery", rows.find("savedquery", "name", "Failed")[0])


async def role_bent(patient: Patient) -> None:
    path = f"roles({SERVICE.id})/Microsoft.Dynamics.CRM.ReplacePrivilegesRole"
    await patient.dynamics("POST", path, {"Privileges": []})


def no_user(patient: Patient) -> None:
    patient.set_row("systemuser", patient.user, isdisabled=True)


def newer_solution(patient: Patient) -> None:
    rows = patient.office.services.dataverse.organization.rows
    (solution,) = rows.find("solution", "uniquename", "Tether")
    patient.set_row("solution", solution, version="9.0.0.0")


def webhook(**refusals: int) -> Plant:
    def plant(patient: Patient) -> None:
        patient.office.webhook.refusals = refusals

    return plant


def not_approved(patient: Patient) -> None:
    people = patient.office.services.tenant.people
    rows = patient.office.services.dataverse.organization.rows
    (mailbox,) = rows.find("mailbox", "regardingobjectid", people[0].systemuserid)
    patient.set_row("mailbox", mailbox, emailrouteraccessapproval=2)


def error_open(patient: Patient) -> None:
    people = patient.office.services.tenant.people
    rows = patient.office.services.dataverse.organization.rows
    (mailbox,) = rows.find("mailbox", "regardingobjectid", people[0].systemuserid)
    patient.set_row("mailbox", mailbox, lastsyncerrorcode=7)


def not_enrolled(patient: Patient) -> None:
    ada = patient.office.services.tenant.people[0].id
    services = patient.office.services
    for one in services.graph.notifications.of_mailbox(ada):
        services.graph.notifications.remove(one["id"])
    services.dataverse.organization.rows.remove("tether_mailbox", ada)


def subscription_lost(patient: Patient) -> None:
    ada = patient.office.services.tenant.people[0].id
    notifications = patient.office.services.graph.notifications
    notifications.remove(notifications.of_mailbox(ada)[0]["id"])


async def something_parked(patient: Patient) -> None:
    from azure.servicebus.aio import ServiceBusClient  # noqa: PLC0415

    connection = patient.office.services.servicebus.connection_string
    sender = ServiceBus(ServiceBusClient.from_connection_string(connection))
    await sender.send(PARKED, [parked_body("mail", b"{", "unreadable")])
    await sender.close()
