"""A plain client of the Web API, and the bodies tests send with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
from multidict import CIMultiDict


@dataclass(frozen=True)
class Reply:
    status: int
    headers: CIMultiDict[str]
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.json["value"])

    @property
    def entity_id(self) -> str:
        return self.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")


class Web:
    """Requests to the Web API as the application user, unless a header says otherwise."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session = session
        self.root = f"{url}/api/data/v9.2/"
        self.token = token

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        content: bytes | None = None,
        **headers: str,
    ) -> Reply:
        """Send a request; `if_match="*"` is the header If-Match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"} | sent
        if body is not None:
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
            content = json.dumps(body).encode()
        url = path if path.startswith("http") else self.root + path
        async with self.session.request(method, url, data=content, headers=sent) as response:
            return Reply(response.status, response.headers.copy(), await response.text())

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, None, None, **headers)

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        return await self.send("POST", path, body, None, **headers)

    async def patch(self, path: str, body: object, **headers: str) -> Reply:
        return await self.send("PATCH", path, body, None, **headers)

    async def put(self, path: str, body: object, **headers: str) -> Reply:
        return await self.send("PUT", path, body, None, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self.send("DELETE", path, None, None, **headers)

    async def created(self, entity_set: str, /, **values: object) -> str:
        """Create a row and return its id."""
        reply = await self.post(entity_set, values)
        assert reply.status == 204, reply.text
        return reply.entity_id

    async def batch(self, *items: "Part | list[Part]", **headers: str) -> Reply:
        """Send a batch; a list is a change set."""
        boundary = f"batch_{uuid4()}"
        content = b"".join(
            b"--%s\r\n%s\r\n" % (boundary.encode(), item_bytes(item)) for item in items
        )
        content += b"--%s--\r\n" % boundary.encode()
        return await self.send(
            "POST",
            "$batch",
            None,
            content,
            Content_Type=f'multipart/mixed; boundary="{boundary}"',
            **headers,
        )


@dataclass(frozen=True)
class Part:
    """A request in a batch."""

    method: str
    url: str
    body: object = None
    content_id: str = ""
    headers: Mapping[str, str] | None = None

    def __bytes__(self) -> bytes:
        lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
        if self.content_id:
            lines.append(f"Content-ID: {self.content_id}")
        url = self.url if self.url.startswith("$") else f"/api/data/v9.2/{self.url}"
        lines += ["", f"{self.method} {url} HTTP/1.1"]
        if self.body is not None:
            lines.append("Content-Type: application/json; type=entry")
        lines += [f"{name}: {value}" for name, value in (self.headers or {}).items()]
        lines += ["", "" if self.body is None else json.dumps(self.body)]
        return "\r\n".join(lines).encode()


def item_bytes(item: Part | list[Part]) -> bytes:
    if isinstance(item, Part):
        return bytes(item)
    boundary = f"changeset_{uuid4()}".encode()
    parts = b"".join(b"--%s\r\n%s\r\n" % (boundary, bytes(part)) for part in item)
    head = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n' % boundary
    return head + parts + b"--%s--\r\n" % boundary


def label(text: str) -> dict[str, object]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def table_body(schema_name: str = "new_Thing", **more: object) -> dict[str, object]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata",
        "SchemaName": schema_name,
        "DisplayName": label(schema_name),
        "DisplayCollectionName": label(f"{schema_name}s"),
        "OwnershipType": "OrganizationOwned",
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": [string_body("new_Name", 200) | {"IsPrimaryName": True}],
    } | more


def string_body(schema_name: str, length: int = 100) -> dict[str, object]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": schema_name,
        "MaxLength": length,
        "DisplayName": label(schema_name),
        "FormatName": {"Value": "Text"},
        "RequiredLevel": {"Value": "None"},
    }


def lookup_body(schema_name: str, table: str, target: str, **more: object) -> dict[str, object]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": f"new_{target}_{table}_{schema_name}",
        "ReferencedEntity": target,
        "ReferencingEntity": table,
        "Lookup": {"SchemaName": schema_name, "DisplayName": label(schema_name)},
    } | more
