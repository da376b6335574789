"""The official client, unmodified: async over HTTP, and sync, which insists on TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential
from PowerPlatform.Dataverse.aio.async_client import AsyncDataverseClient
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.config import DataverseConfig
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from sandbox.certificate import Certificate
from sandbox.dataverse import Dataverse, service_principal
from sandbox.identity.server import Identity
from sandbox.tenant import Tenant
from sandbox.web import Surroundings


class Colour(IntEnum):
    Red = 100
    Blue = 200


@pytest.fixture
async def credential(
    tenant: Tenant, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncTokenCredential]:
    identity = Identity(surroundings.authority, surroundings, [service_principal(tenant)])
    await identity.start()
    for name, value in identity.environment().items():
        monkeypatch.setenv(name, value)
    async with ManagedIdentityCredential() as managed:
        yield managed
    await identity.stop()


@pytest.fixture
async def client(
    dataverse: Dataverse, credential: AsyncTokenCredential
) -> AsyncIterator[AsyncDataverseClient]:
    async with AsyncDataverseClient(dataverse.url, credential) as opened:
        yield opened


async def test_rows_are_created_read_listed_updated_and_deleted(
    client: AsyncDataverseClient,
) -> None:
    first = await client.records.create("contact", {"lastname": "Noether", "jobtitle": "Professor"})
    second = await client.records.create("contact", {"lastname": "Curie", "gendercode": "Female"})
    record = await client.records.retrieve("contact", first, select=["fullname"])
    assert record is not None
    assert record["fullname"] == "Noether"
    await client.records.update("contact", first, {"firstname": "Emmy"})
    found = await client.records.list(
        "contact", filter=col("lastname").in_(["noether", "curie"]), orderby=["lastname"]
    )
    assert [(row["fullname"], row["gendercode"]) for row in found] == [
        ("Curie", 2),
        ("Emmy Noether", None),
    ]
    await client.records.delete("contact", second)
    assert await client.records.retrieve("contact", second) is None


async def test_pages_follow_each_other(client: AsyncDataverseClient) -> None:
    for number in range(7):
        await client.records.create("account", {"name": f"Account {number}"})
    pages = [
        [row["name"] for row in page]
        async for page in client.records.list_pages(
            "account", select=["name"], orderby=["name desc"], page_size=3
        )
    ]
    assert pages == [
        ["Account 6", "Account 5", "Account 4"],
        ["Account 3", "Account 2", "Account 1"],
        ["Account 0"],
    ]


async def test_a_table_is_made_extended_and_deleted(client: AsyncDataverseClient) -> None:
    table = await client.tables.create(
        "new_Sample",
        {"new_Amount": "decimal", "new_Done": "bool", "new_Due": "datetime", "new_Colour": Colour},
        solution="Default",
    )
    assert table.entity_set_name == "new_samples"
    await client.tables.add_columns("new_Sample", {"new_Text": "string", "new_Count": "int"})
    row = await client.records.create(
        "new_Sample",
        {"new_Name": "one", "new_Colour": "blue", "new_Amount": 1.5, "new_Done": True},
    )
    record = await client.records.retrieve("new_Sample", row)
    assert record is not None
    assert (record["new_colour"], record["new_amount"]) == (Colour.Blue, 1.5)
    columns = await client.tables.list_columns("new_Sample", filter="IsCustomAttribute eq true")
    assert {"new_text", "new_count", "new_colour"} <= {one["LogicalName"] for one in columns}
    await client.tables.remove_columns("new_Sample", ["new_Text"])
    assert await client.tables.get_column("new_Sample", "new_Text") is None
    await client.tables.delete("new_Sample")
    assert await client.tables.get("new_Sample") is None
    with pytest.raises(HttpError, match="new_samples"):
        await client.records.create("new_Sample", {"new_Name": "gone"})
    with pytest.raises(MetadataError, match="not found"):
        await client.tables.add_columns("new_Sample", {"new_Late": "string"})


async def test_a_key_is_made_and_rows_are_upserted_by_it(client: AsyncDataverseClient) -> None:
    await client.tables.create("new_Sample", {"new_Code": "string"})
    await client.tables.create_alternate_key("new_Sample", "new_CodeKey", ["new_code"])
    item = UpsertItem(alternate_key={"new_code": "a1"}, record={"new_name": "first"})
    with pytest.raises(HttpError, match="not valid for resource"):
        await client.records.upsert("new_Sample", [item])
    statuses = [(await client.tables.get_alternate_keys("new_Sample"))[0].status for _ in range(3)]
    assert statuses == ["Pending", "InProgress", "Active"]
    await client.records.upsert("new_Sample", [item])
    await client.records.upsert(
        "new_Sample",
        [
            UpsertItem(alternate_key={"new_code": "A1"}, record={"new_name": "changed"}),
            UpsertItem(alternate_key={"new_code": "b2"}, record={"new_name": "second"}),
        ],
    )
    rows = await client.records.list("new_Sample", orderby=["new_code"])
    assert [(row["new_code"], row["new_name"]) for row in rows] == [
        ("a1", "changed"),
        ("b2", "second"),
    ]


async def test_a_lookup_is_made_and_bound(client: AsyncDataverseClient) -> None:
    await client.tables.create("new_Sample", {})
    made = await client.tables.create_lookup_field("new_Sample", "new_Person", "contact")
    person = await client.records.create("contact", {"lastname": "Noether"})
    row = await client.records.create(
        "new_Sample", {"new_name": "x", "new_Person@odata.bind": f"/contacts({person})"}
    )
    record = await client.records.retrieve("new_Sample", row, expand=["new_Person"])
    assert record is not None
    assert record["_new_person_value"] == person
    assert record["new_Person"]["lastname"] == "Noether"
    found = await client.tables.get_relationship(made.relationship_schema_name)
    assert found is not None
    await client.tables.delete_relationship(str(made.relationship_id))
    assert await client.tables.get_column("new_Sample", "new_Person") is None


async def test_rows_in_bulk(client: AsyncDataverseClient) -> None:
    await client.tables.create("new_Sample", {})
    ids = await client.records.create("new_Sample", [{"new_name": "a"}, {"new_name": "b"}])
    await client.records.update("new_Sample", ids, [{"new_name": "c"}, {"new_name": "d"}])
    rows = await client.records.list("new_Sample", orderby=["new_name"])
    assert [row["new_name"] for row in rows] == ["c", "d"]
    await client.records.delete("new_Sample", ids)
    assert len(await client.records.list("new_Sample")) == 0


async def test_a_batch_with_a_change_set(client: AsyncDataverseClient) -> None:
    batch = client.batch.new()
    async with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "Contoso"})
        changes.records.create(
            "contact", {"lastname": "N", "parentcustomerid_account@odata.bind": account}
        )
        changes.records.update("account", account, {"telephone1": "1"})
    batch.records.retrieve("contact", "00000000-0000-0000-0000-000000000001")
    batch.records.create("contact", {"lastname": "after the failure"})
    result = await batch.execute(continue_on_error=True)
    assert [item.status_code for item in result.responses] == [204, 204, 204, 404, 204]
    rows = await client.records.list("contact", expand=["parentcustomerid_account"])
    assert {
        (row["lastname"], (row["parentcustomerid_account"] or {}).get("telephone1")) for row in rows
    } == {("N", "1"), ("after the failure", None)}


async def test_a_failed_change_set_leaves_nothing(client: AsyncDataverseClient) -> None:
    batch = client.batch.new()
    async with batch.changeset() as changes:
        changes.records.create("account", {"name": "Contoso"})
        changes.records.create("contact", {"lastname": "x" * 51})
    result = await batch.execute()
    assert [(item.status_code, item.error_code) for item in result.responses] == [
        (400, "0x80044331")
    ]
    assert len(await client.records.list("account")) == 0


class Issued:
    """A credential of the sync sort that gets its tokens from the authority itself."""

    def __init__(self, tenant: Tenant, surroundings: Surroundings) -> None:
        self._tenant, self._authority = tenant, surroundings.authority

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:  # noqa: ANN401 - the protocol's
        audience = scopes[0].removesuffix("/.default")
        return AccessToken(*self._authority.issue(service_principal(self._tenant), audience))


async def test_the_sync_client(
    tenant: Tenant, surroundings: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.file))
    async with AsyncExitStack() as stack:
        service = Dataverse(tenant, surroundings, certificate=certificate)
        await service.start()
        stack.push_async_callback(service.stop)
        credential = Issued(tenant, surroundings)
        await asyncio.to_thread(_use_sync_client, service.tls_url, credential)


def _use_sync_client(url: str, credential: Issued) -> None:
    with DataverseClient(url, credential, DataverseConfig(http_retries=1)) as client:
        client.tables.create("new_Sample", {"new_Code": "string"}, solution="Default")
        client.tables.create_alternate_key("new_Sample", "new_CodeKey", ["new_code"])
        statuses = [client.tables.get_alternate_keys("new_Sample")[0].status for _ in range(3)]
        assert statuses[-1] == "Active"
        client.records.upsert(
            "new_Sample", [{"alternate_key": {"new_code": "a"}, "record": {"new_name": "n"}}]
        )
        ids = client.records.create("new_Sample", [{"new_name": f"s{n}"} for n in range(4)])
        pages = list(client.records.list_pages("new_Sample", page_size=2))
        assert [len(page) for page in pages] == [2, 2, 1]
        client.records.update("new_Sample", ids[0], {"new_code": "b"})
        batch = client.batch.new()
        with batch.changeset() as changes:
            reference = changes.records.create("account", {"name": "Contoso"})
            changes.records.update("account", reference, {"name": "Contoso Ltd"})
        batch.tables.add_columns("new_Sample", {"new_Extra": "memo"})
        batch.records.list("account", select=["name"])
        result = batch.execute()
        assert [item.status_code for item in result.responses] == [204, 204, 204, 200]
        assert result.responses[-1].data is not None
        assert result.responses[-1].data["value"][0]["name"] == "Contoso Ltd"
        with pytest.raises(HttpError, match="Invalid property 'nope'"):
            client.records.create("account", {"nope": 1})
        client.records.delete("new_Sample", ids[1])
        client.tables.delete("new_Sample")
        assert client.tables.get("new_Sample") is None


async def test_the_sync_client_wants_https(
    dataverse: Dataverse, tenant: Tenant, surroundings: Surroundings
) -> None:
    with pytest.raises(ValueError, match="HTTPS"):
        DataverseClient(dataverse.url, Issued(tenant, surroundings))
