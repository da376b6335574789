"""Does what a plan says, step by step, through the Web API."""

from collections.abc import AsyncIterator, Iterable

from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.found import read_environment, read_privileges
from shared.dataverse.schema.model import Role, TableDefinition
from shared.dataverse.schema.plan import plan_schema
from shared.dataverse.schema.solution import SOLUTION
from shared.dataverse.schema.steps import Plan, Step
from shared.dataverse.schema.tables import TABLES
from shared.dataverse.schema.wire import CRM
from shared.errors import Permanent, Transient

_DEFINITIONS = {"table", "column", "option", "lookup", "view", "chart"}
"""The parts whose changes show only when they are published."""


async def apply_schema(
    client: DataverseClient,
    *,
    application_id: str | None = None,
    tables: Iterable[TableDefinition] = TABLES,
) -> Plan:
    """Bring an environment to what this version needs; return what was done to it.

    Raises:
        Permanent: something stands in the way, or Dataverse refuses a definition.
        Transient: Dataverse did not answer; it can be applied again.
    """
    wanted = tuple(tables)
    found = await read_environment(client, application_id=application_id, tables=wanted)
    plan = plan_schema(found, application_id=application_id, tables=wanted)
    async for _ in perform(client, plan):
        pass
    return plan


async def perform(client: DataverseClient, plan: Plan) -> AsyncIterator[Step]:
    """Do the steps of a plan in order, and tell of each when it is done.

    Raises:
        Permanent: something stands in the way (nothing was done), or Dataverse refuses a step.
        Transient: Dataverse did not answer; what was done stays, and it can be applied again.
    """
    for step in plan.refused:
        raise Permanent(f"{step.part} {step.name}: {step.detail}")
    for step in plan.steps:
        for request in step.requests:
            await _send(client, request, in_solution=step.in_solution)
        if step.grants:
            await _grant(client, step.grants)
        yield step
    if any(step.part in _DEFINITIONS for step in plan.steps):
        await _publish(client)


async def _grant(client: DataverseClient, role: Role) -> None:
    known = await read_privileges(client, [role])
    try:
        privileges = [
            {"PrivilegeId": known[table][right], "Depth": "Global"}
            for table, rights in role.rights.items()
            for right in rights
        ]
    except KeyError as missing:
        why = f"this environment has no {missing}: are the Dynamics 365 Sales tables installed?"
        raise Permanent(f"role {role.name}: {why}") from None
    path = f"roles({role.id})/{CRM}.ReplacePrivilegesRole"
    await _send(client, Operation("POST", path, {"Privileges": privileges}), in_solution=False)


async def _publish(client: DataverseClient) -> None:
    names = "".join(f"<entity>{table.logical_name}</entity>" for table in TABLES)
    xml = f"<importexportxml><entities>{names}</entities></importexportxml>"
    await _send(client, Operation("POST", "PublishXml", {"ParameterXml": xml}), in_solution=False)


async def _send(client: DataverseClient, request: Operation, *, in_solution: bool) -> None:
    headers = {"MSCRM.MergeLabels": "true"}
    if in_solution:
        headers["MSCRM.SolutionUniqueName"] = str(SOLUTION["uniquename"])
    response = await client.send(request, headers)
    if response.ok:
        return
    problem = f"{request.method} {request.path}: {response.problem}"
    if response.status == 429 or response.status >= 500:
        raise Transient(problem, retry_after=response.retry_after)
    raise Permanent(problem)
