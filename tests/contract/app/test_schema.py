"""Tether's solution in Dynamics: made once, upgraded, and never laid over what is another's."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.credential import SandboxCredential
from sandbox.dataverse import Dataverse, service_principal
from sandbox.identity.tokens import TokenAuthority
from sandbox.tenant import make_tenant
from sandbox.web import Surroundings
from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.apply import apply_schema, perform
from shared.dataverse.schema.found import read_environment
from shared.dataverse.schema.model import Column, TableDefinition
from shared.dataverse.schema.plan import plan_schema
from shared.dataverse.schema.roles import ROLES, SERVICE
from shared.dataverse.schema.solution import export_solution
from shared.dataverse.schema.steps import Plan, Verb
from shared.dataverse.schema.tables import TABLES
from shared.dataverse.schema.views import CHARTS, VIEWS
from shared.errors import Permanent

APP = "6c1a0f0e-8f1e-4d60-9a53-3f0b35f0f001"
MAILBOX, LINK = TABLES
CRM = "Microsoft.Dynamics.CRM"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    tenant = make_tenant(1)
    service = Dataverse(tenant, Surroundings(TokenAuthority(tenant.tenant_id)))
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def client(dataverse: Dataverse) -> AsyncIterator[DataverseClient]:
    tenant = make_tenant(1)
    authority = dataverse._surroundings.authority  # noqa: SLF001 - the key it was given
    credential = SandboxCredential(authority, service_principal(tenant))
    made = DataverseClient(dataverse.url, credential)
    yield made
    await made.close()


async def planned(client: DataverseClient) -> Plan:
    found = await read_environment(client, application_id=APP)
    return plan_schema(found, application_id=APP)


async def told(client: DataverseClient) -> list[str]:
    plan = await planned(client)
    return [f"{one.verb} {one.part} {one.name}: {one.detail}" for one in plan.steps]


async def send(
    client: DataverseClient, method: str, path: str, body: dict[str, Any] | None = None
) -> None:
    response = await client.send(Operation(method, path, body))
    assert response.ok, response.problem


def older() -> tuple[TableDefinition, ...]:
    """The tables as a version before had them: less of everything."""
    columns: list[Column] = []
    for column in LINK.columns:
        match column.name:
            case "tether_Detail":
                columns.append(replace(column, length=100, label="Detailed"))
            case "tether_State":
                columns.append(replace(column, options={1: "Tracked", 2: "Gone"}))
            case "tether_Told":
                pass
            case _:
                columns.append(column)
    lookups = tuple(one for one in LINK.lookups if one.name != "tether_TaskId")
    return MAILBOX, replace(LINK, columns=tuple(columns), lookups=lookups)


async def test_the_first_apply_makes_everything_and_the_second_does_nothing(
    client: DataverseClient,
) -> None:
    done = await apply_schema(client, application_id=APP)
    assert {step.verb for step in done.steps} == {Verb.CREATE, Verb.CHANGE}
    parts = [step.part for step in done.steps]
    assert parts.count("table") == 2
    assert parts.count("view") == len(VIEWS)
    assert parts.count("chart") == len(CHARTS)
    assert parts.count("role") == len(ROLES)
    assert parts[:2] == ["publisher", "solution"]
    again = await planned(client)
    assert again.steps == ()
    assert again.kept > len(done.steps)
    assert (await apply_schema(client, application_id=APP)).steps == ()


async def test_all_of_it_is_in_the_solution(client: DataverseClient) -> None:
    await apply_schema(client)
    (solution,) = await client.read_all("solutions?$filter=uniquename%20eq%20'Tether'")
    path = f"solutioncomponents?$filter=_solutionid_value%20eq%20{solution['solutionid']}"
    kinds = [one["componenttype"] for one in await client.read_all(path)]
    lookups = sum(len(table.lookups) for table in TABLES)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        1: len(TABLES), 2: lookups, 10: lookups, 20: len(ROLES), 26: len(VIEWS), 59: len(CHARTS),
    }  # fmt: skip
    for managed in (True, False):
        package = await export_solution(client, managed=managed)
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            assert b"<UniqueName>Tether</UniqueName>" in archive.read("solution.xml")


async def test_an_older_schema_is_upgraded_and_keeps_its_rows(client: DataverseClient) -> None:
    await apply_schema(client, tables=older())
    await send(client, "POST", "tether_links", {"tether_name": "kept", "tether_state": 2})
    (solution,) = await client.read_all("solutions?$filter=uniquename%20eq%20'Tether'")
    await send(client, "PATCH", f"solutions({solution['solutionid']})", {"version": "1.0.0.0"})
    assert await told(client) == [
        "change solution Tether: version 1.0.0.0 → 1.2.0.0",
        "create column tether_link.tether_told: Memo 100000",
        "change option tether_link.tether_state=2: label 'Gone' → 'Removed'",
        "create option tether_link.tether_state=3: Failed",
        "create option tether_link.tether_state=4: Requested",
        "change column tether_link.tether_detail: label 'Detailed' → 'Detail', length 100 → 1000",
        "create lookup tether_link.tether_taskid: to task",
        f"create user {APP}: application user",
        f"change user {APP}: gets the role Tether service",
    ]
    await apply_schema(client, application_id=APP)
    assert await told(client) == []
    (row,) = await client.read_all("tether_links")
    assert (row["tether_name"], row["tether_state"]) == ("kept", 2)
    await send(
        client, "PATCH", f"tether_links({row['tether_linkid']})", {"tether_detail": "x" * 1000}
    )


async def test_longer_texts_and_more_options_of_an_administrator_are_left(
    client: DataverseClient,
) -> None:
    detail = next(one for one in LINK.columns if one.name == "tether_Detail")
    more = tuple(replace(one, length=2000) if one == detail else one for one in LINK.columns)
    await apply_schema(client, tables=(MAILBOX, replace(LINK, columns=more)), application_id=APP)
    assert await told(client) == []


@pytest.mark.parametrize(
    ("foreign", "part", "why"),
    [
        (Column("tether_Detail", "Detail", "Memo", 1000), "column", "Memo, not String"),
        (Column("tether_EmailId", "Mail", "String", 100), "lookup", "String, not Lookup to email"),
    ],
)
async def test_a_foreign_column_of_our_name_is_refused_and_nothing_is_done(
    client: DataverseClient, foreign: Column, part: str, why: str
) -> None:
    columns = (*(one for one in LINK.columns if one.name != foreign.name), foreign)
    lookups = tuple(one for one in LINK.lookups if one.name != foreign.name)
    await apply_schema(client, tables=(MAILBOX, replace(LINK, columns=columns, lookups=lookups)))
    await send(client, "DELETE", f"savedqueries({VIEWS[0].id})")
    before = await told(client)
    (refused,) = (one for one in before if one.startswith("refuse"))
    assert refused == (
        f"refuse {part} tether_link.{foreign.logical_name}: a column of that name is {why};"
        " it is not Tether's: rename or delete it, then apply again"
    )
    assert f"create view tether_mailbox: {VIEWS[0].name}: " in before
    with pytest.raises(Permanent, match=r"not Tether's: rename or delete it"):
        await apply_schema(client, application_id=APP)
    assert await told(client) == before


async def test_a_lookup_to_another_table_is_refused(client: DataverseClient) -> None:
    lookups = tuple(
        replace(one, table="contact") if one.name == "tether_EmailId" else one
        for one in LINK.lookups
    )
    await apply_schema(client, tables=(MAILBOX, replace(LINK, lookups=lookups)))
    refused = [one for one in await told(client) if one.startswith("refuse")]
    assert len(refused) == 1
    assert "is Lookup to contact, not Lookup to email" in refused[0]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"ownership": "UserOwned"}, "a table of that name is UserOwned, not OrganizationOwned"),
        ({"activity": True}, "a table of that name is an activity"),
    ],
)
async def test_a_foreign_table_of_our_name_is_refused(
    client: DataverseClient, dataverse: Dataverse, values: dict[str, Any], says: str
) -> None:
    await apply_schema(client, application_id=APP)
    schema = dataverse.organization.schema
    schema.put(schema["tether_link"].model_copy(update=values))
    refused = [one for one in await told(client) if one.startswith("refuse")]
    assert len(refused) == 1
    assert says in refused[0]


@pytest.mark.parametrize(
    ("table", "key", "values", "says"),
    [
        ("solution", "Tether", {"ismanaged": True}, "it was imported as a managed solution"),
        ("solution", "Tether", {"version": "9.0.0.0"}, "9.0.0.0, newer than 1.2.0.0"),
        ("publisher", "tether", {"customizationprefix": "abc"}, "its prefix is abc, not tether"),
        ("systemuser", APP, {"isdisabled": True}, "the application user is disabled"),
    ],
)
async def test_what_stands_in_the_way(
    client: DataverseClient,
    dataverse: Dataverse,
    table: str,
    key: str,
    values: dict[str, Any],
    says: str,
) -> None:
    await apply_schema(client, application_id=APP)
    rows = dataverse.organization.rows
    column = "applicationid" if table == "systemuser" else "uniquename"
    (row_id,) = rows.find(table, column, key)
    rows.put(table, row_id, {**(rows.get(table, row_id) or {}), **values})
    (refused,) = await told(client)
    assert refused.startswith("refuse ")
    assert says in refused


async def test_what_somebody_changed_is_set_right(
    client: DataverseClient, dataverse: Dataverse
) -> None:
    await apply_schema(client, application_id=APP)
    lost, bent = VIEWS[0], CHARTS[0]
    await send(client, "DELETE", f"savedqueries({lost.id})")
    shape = {"presentationdescription": "<Chart/>"}
    await send(client, "PATCH", f"savedqueryvisualizations({bent.id})", shape)
    found = await read_environment(client)
    (read_link, delete_link) = (found.privileges["tether_link"][one] for one in ("Read", "Delete"))
    message = f"roles({SERVICE.id})/{CRM}"
    await send(client, "POST", f"{message}.RemovePrivilegeRole", {"PrivilegeId": read_link})
    too_much = {"Privileges": [{"PrivilegeId": delete_link, "Depth": "Global"}]}
    await send(client, "POST", f"{message}.AddPrivilegesRole", too_much)
    rows = dataverse.organization.rows
    table = dataverse.organization.schema["tether_link"].metadata_id
    for one in rows.find("solutioncomponent", "objectid", table):
        rows.remove("solutioncomponent", one)
    assert await told(client) == [
        "change table tether_link: made a part of the solution",
        f"create view {lost.table}: {lost.name}: ",
        f"change chart {bent.table}: {bent.name}: presentationdescription",
        "change role Tether service: +Read tether_link, -Delete tether_link",
    ]
    await apply_schema(client, application_id=APP)
    assert await told(client) == []


async def test_views_that_are_only_written_otherwise_are_the_same(client: DataverseClient) -> None:
    await apply_schema(client, application_id=APP)
    (row,) = await client.read_all(f"savedqueries?$filter=savedqueryid%20eq%20{VIEWS[1].id}")
    spaced = {"fetchxml": row["fetchxml"].replace("><", "> \n <")}
    await send(client, "PATCH", f"savedqueries({VIEWS[1].id})", spaced)
    assert await told(client) == []


async def test_steps_are_told_as_they_are_done(client: DataverseClient) -> None:
    plan = await planned(client)
    assert [step async for step in perform(client, plan)] == list(plan.steps)
    assert await told(client) == []
