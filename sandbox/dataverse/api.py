"""The Web API: which operation a request is, and its preconditions and answers."""

from collections.abc import Mapping

from sandbox.dataverse.actions import UNBOUND, bulk
from sandbox.dataverse.changes import changes
from sandbox.dataverse.customizer import Customizer
from sandbox.dataverse.errors import (
    DataverseError,
    bad_url,
    duplicate_row,
    invalid_payload,
    key_not_found,
    not_allowed,
    not_found,
    unknown_segment,
    version_mismatch,
)
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.links import add_link, remove_link
from sandbox.dataverse.metadata import METADATA_SETS, Metadata, solution_of
from sandbox.dataverse.organization import Caller, Found, Organization
from sandbox.dataverse.query import Query, read_query
from sandbox.dataverse.reading import MAX_PAGE, Reader, etag, next_link
from sandbox.dataverse.resource import Resource, Segment, parse_url
from sandbox.dataverse.schema import Table
from sandbox.dataverse.security import ROLES, on_role, roles_of, users_of
from sandbox.dataverse.solutions import ROWS, add_to_solution
from sandbox.dataverse.writing import PARTIES, Writer

BOUND = "Microsoft.Dynamics.CRM."


def operation_name(call: Call) -> str:
    """Return the name a request is counted under, e.g. `PATCH emails` or `GET WhoAmI`."""
    try:
        segments = parse_url(call.url).segments
    except DataverseError:
        return f"{call.method} ?"
    if not segments:
        return f"{call.method} /"
    last = segments[-1].name
    action = f"/{last.removeprefix(BOUND)}" if last.startswith(BOUND) and len(segments) == 2 else ""
    return f"{call.method} {segments[0].name}{action}"


class Api:
    """Performs single requests on an organisation; `root` is the service root's URL."""

    def __init__(self, org: Organization, root: str) -> None:
        self.org = org
        self.root = root
        self.customizer = Customizer(org)
        self.metadata = Metadata(org, self.customizer)

    def perform(self, call: Call, application_user: str) -> Answer:
        """Do what a request asks, all of it or nothing.

        Raises:
            DataverseError: it is refused.
        """
        caller = self._caller(call, application_user)
        resource = parse_url(call.url)
        if not resource.segments:
            return self._service_document()
        name = resource.segments[0].name
        if name not in METADATA_SETS and name not in UNBOUND:
            with self.org.rows.transaction():
                return _TableRequest(self, call, resource, caller).perform()
        try:
            with self.org.rows.transaction():
                if name in METADATA_SETS:
                    return self.metadata.perform(call, resource, self.root)
                return UNBOUND[name](self.org, self.customizer, call, resource, caller)
        except DataverseError:
            self.customizer.reload()
            raise
        except (AttributeError, KeyError, TypeError) as error:
            # definitions are deep JSON: a wrong shape shows where it is read
            self.customizer.reload()
            raise invalid_payload(name, f"the body has a wrong shape: {error!r}") from error

    def _caller(self, call: Call, application_user: str) -> Caller:
        object_id = call.headers.get("callerobjectid")
        user_id = call.headers.get("mscrmcallerid", application_user).lower()
        if object_id:
            user_id = next(
                iter(self.org.rows.find("systemuser", "azureactivedirectoryobjectid", object_id)),
                "",
            )
        user = self.org.rows.get("systemuser", user_id)
        if user is None or user["isdisabled"]:
            raise DataverseError(
                403, "0x80042f09", "The user to act on behalf of is not an enabled user."
            )
        return Caller(user_id, application_user)

    def _service_document(self) -> Answer:
        sets = [
            {"name": table.entity_set, "kind": "EntitySet", "url": table.entity_set}
            for table in self.org.schema
        ]
        return Answer(200, {}, {"@odata.context": f"{self.root}$metadata", "value": sets})


class _TableRequest:
    """One request on an entity set."""

    def __init__(self, api: Api, call: Call, resource: Resource, caller: Caller) -> None:
        self.org, self.root = api.org, api.root
        self.call, self.resource, self.caller = call, resource, caller
        self.table = self.org.schema.entity_set(resource.segments[0].name)
        self.preferences = call.preferences
        self.reader = Reader(self.org, self.preferences.annotations)
        self.writer = Writer(self.org, caller)

    def perform(self) -> Answer:
        first, *rest = self.resource.segments
        if not rest:
            return self._on_set() if first.key is None else self._on_row(first)
        if first.key is None:
            return self._below_set(rest)
        return self._below_row(first, rest)

    def _on_set(self) -> Answer:
        match self.call.method:
            case "GET":
                return self._list()
            case "POST":
                row_id = self.writer.create(self.table, self.call.json())
                self._join_solution(row_id)
                return self._created(row_id)
        raise not_allowed(f"The method {self.call.method} is not allowed on an entity set.")

    def _on_row(self, segment: Segment) -> Answer:
        found = self.org.find(self.table, segment.key or {})
        match self.call.method:
            case "GET":
                return self._retrieve(self._existing(found))
            case "PATCH":
                return self._patch(found)
            case "DELETE":
                row_id = self._existing(found)
                self._check_version(row_id)
                self.writer.delete(self.table, row_id)
                return Answer(204)
        raise not_allowed(f"The method {self.call.method} is not allowed on a row.")

    def _below_set(self, rest: list[Segment]) -> Answer:
        name = rest[0].name
        if name == "$count" and self.call.method == "GET" and len(rest) == 1:
            query = read_query(
                self.org.schema, self.table, self.resource.query, self.resource.aliases
            )
            return Answer(200, {}, str(min(len(self.reader.matching(self.table, query)), MAX_PAGE)))
        if name.startswith(BOUND) and self.call.method == "POST" and len(rest) == 1:
            return bulk(self.writer, self.table, name.removeprefix(BOUND), self.call.json())
        raise unknown_segment(name)

    def _below_row(self, first: Segment, rest: list[Segment]) -> Answer:
        row_id = self._existing(self.org.find(self.table, first.key or {}))
        name, method = rest[0].name, self.call.method
        if len(rest) == 2 and rest[1].name == "$ref":
            return self._reference(row_id, rest[0])
        if len(rest) > 1:
            raise unknown_segment(rest[1].name)
        if method == "PUT" and name.endswith(PARTIES):
            return self._put_parties(row_id, name)
        if name in self.org.schema.collections(self.table) and method == "GET":
            return self._list_related(row_id, name)
        if name in self.table.navigations and method == "GET":
            return self._retrieve_related(row_id, name)
        return self._on_security(row_id, name) or self._property(row_id, name)

    def _list(self) -> Answer:
        query = read_query(self.org.schema, self.table, self.resource.query, self.resource.aliases)
        self._reads(self.table, query)
        if self.preferences.track_changes or "$deltatoken" in self.resource.query:
            return changes(self.org, self.reader, self.table, self.resource, self.root)
        size = min(self.preferences.page_size or MAX_PAGE, MAX_PAGE)
        page = self.reader.page(
            self.table, query, size=size, skiptoken=self.resource.query.get("$skiptoken")
        )
        return self._page(self.table.entity_set, page.rows, page.count, page.skiptoken)

    def _list_related(self, row_id: str, name: str) -> Answer:
        row = self.org.row(self.table, row_id)
        target = self.org.schema[self.org.schema.collections(self.table)[name].table]
        query = read_query(self.org.schema, target, self.resource.query, self.resource.aliases)
        self._reads(target, query)
        page = self.reader.page(target, query, among=self.reader.related(self.table, row, name))
        return self._page(target.entity_set, page.rows, page.count, None)

    def _on_security(self, row_id: str, name: str) -> Answer | None:
        if name.startswith(BOUND) and self.table.name == "role" and self.call.method == "POST":
            return on_role(self.org, row_id, name.removeprefix(BOUND), self.call.json())
        if (
            name == ROLES
            and self.call.method == "GET"
            and self.table.name in {"systemuser", "role"}
        ):
            return self._list_roles(row_id)
        return None

    def _list_roles(self, row_id: str) -> Answer:
        of_user = self.table.name == "systemuser"
        target = self.org.schema["role" if of_user else "systemuser"]
        among = (roles_of if of_user else users_of)(self.org, row_id)
        query = read_query(self.org.schema, target, self.resource.query, self.resource.aliases)
        page = self.reader.page(target, query, among=among)
        return self._page(target.entity_set, page.rows, page.count, None)

    def _page(
        self, entity_set: str, rows: list[dict[str, object]], count: int | None, token: str | None
    ) -> Answer:
        body: dict[str, object] = {"@odata.context": self._context(entity_set)}
        if count is not None:
            body["@odata.count"] = count
        body["value"] = rows
        if token:
            body["@odata.nextLink"] = next_link(self.root, entity_set, self.resource.query, token)
        return Answer(200, self._applied(), body)

    def _retrieve(self, row_id: str) -> Answer:
        if self.table.name == "activityparty":
            raise not_allowed(
                "The 'Retrieve' method does not support entities of type 'activityparty'."
            )
        query = read_query(self.org.schema, self.table, self.resource.query, self.resource.aliases)
        self._reads(self.table, query)
        row = self.reader.row(self.table, row_id)
        # with annotations or an expansion there is no conditional retrieval (dataverse.md 3)
        if (
            not query.expand
            and not self.preferences.annotations
            and (self.call.if_none_match == etag(row))
        ):
            return Answer(304, {"ETag": etag(row)})
        if self.call.if_match not in {None, "*", etag(row)}:
            raise version_mismatch()
        body: dict[str, object] = {
            "@odata.context": self._context(self.table.entity_set, single=True)
        }
        body |= self.reader.render(self.table, row, query)
        return Answer(200, {"ETag": etag(row), **self._applied()}, body)

    def _retrieve_related(self, row_id: str, name: str) -> Answer:
        column, link = self.table.navigations[name]
        value = self.reader.row(self.table, row_id).get(column.name)
        if value is None or value["table"] != link.target:
            return Answer(204)
        target = self.org.schema[link.target]
        query = read_query(self.org.schema, target, self.resource.query, self.resource.aliases)
        self._reads(target, query)
        body: dict[str, object] = {"@odata.context": self._context(target.entity_set, single=True)}
        body |= self.reader.render(target, self.org.row(target, value["id"]), query)
        return Answer(200, self._applied(), body)

    def _created(self, row_id: str) -> Answer:
        uri = f"{self.root}{self.table.entity_set}({row_id})"
        headers = {"OData-EntityId": uri}
        if self.call.batched:
            headers["Location"] = uri
        if self.preferences.representation:
            return self._representation(201, row_id, headers)
        return Answer(204, headers)

    def _representation(self, status: int, row_id: str, headers: Mapping[str, str]) -> Answer:
        options = dict(self.resource.query)
        if status == 200:
            options.pop("$expand", None)  # ignored on the update form (dataverse.md 3)
        query = read_query(self.org.schema, self.table, options)
        self._reads(self.table, query)
        row = self.org.row(self.table, row_id)
        body: dict[str, object] = {
            "@odata.context": self._context(self.table.entity_set, single=True)
        }
        body |= self.reader.render(self.table, row, query)
        return Answer(status, {**headers, "ETag": etag(row), **self._applied()}, body)

    def _patch(self, found: Found) -> Answer:
        body = self.call.json()
        exists = found.row_id is not None and self.org.rows.get(self.table.name, found.row_id)
        headers = {"OData-EntityId": self._addressed()}
        if exists and found.row_id:
            if self.call.if_none_match == "*":
                raise duplicate_row()
            self._check_version(found.row_id)
            self.writer.update(self.table, found.row_id, body, key=found.key_values)
            row_id, status = found.row_id, 200
        else:
            if self.call.if_match is not None:
                raise self._missing(found)
            row_id = self.writer.create(
                self.table, body, row_id=found.row_id, key_values=found.key_values, deep=False
            )
            self._join_solution(row_id)
            status = 201
        if self.preferences.representation:
            return self._representation(status, row_id, headers)
        return Answer(204, headers)

    def _reads(self, table: Table, query: Query) -> None:
        self.org.use(self.caller, table, "Read")
        for name, nested in query.expand.items():
            if name in table.navigations:
                target = table.navigations[name].reference.target
            else:
                target = self.org.schema.collections(table)[name].table
            self._reads(self.org.schema[target], nested)

    def _join_solution(self, row_id: str) -> None:
        kind = ROWS.get(self.table.name)
        if kind:
            add_to_solution(self.org, solution_of(self.call), kind, row_id)

    def _put_parties(self, row_id: str, name: str) -> Answer:
        if name != f"{self.table.name}{PARTIES}":
            raise DataverseError(
                400, "0x80040216", f"System.InvalidCastException: '{name}' of '{self.table.name}'."
            )
        bodies = self.call.json().get("value")
        if not isinstance(bodies, list):
            raise bad_url("The body must have a 'value' that is an array.")
        self.writer.replace_parties(self.table, row_id, bodies)
        return Answer(204)

    def _reference(self, row_id: str, segment: Segment) -> Answer:
        match self.call.method:
            case "PUT" | "POST":
                add_link(self.writer, self.table, row_id, segment, self.call)
            case "DELETE":
                remove_link(self.writer, self.table, row_id, segment, self.resource.query)
            case _:
                raise not_allowed(f"The method {self.call.method} is not allowed on a reference.")
        return Answer(204)

    def _property(self, row_id: str, name: str) -> Answer:
        if name not in self.table.properties:
            raise unknown_segment(name)
        column = self.table.properties[name]
        match self.call.method:
            case "GET":
                rendered = self.reader.render(
                    self.table,
                    self.reader.row(self.table, row_id),
                    read_query(self.org.schema, self.table, {"$select": name}),
                )
                if rendered[name] is None:
                    return Answer(204)
                context = f"{self.root}$metadata#{self.table.entity_set}({row_id})/{name}"
                return Answer(200, {}, {"@odata.context": context, "value": rendered[name]})
            case "PUT":
                self._check_version(row_id)
                value = self.call.json().get("value")
                self.writer.update(self.table, row_id, {column.name: value})
                return Answer(204)
            case "DELETE":
                self._check_version(row_id)
                self.writer.update(self.table, row_id, {column.name: None})
                return Answer(204)
        raise not_allowed(f"The method {self.call.method} is not allowed on a property.")

    def _existing(self, found: Found) -> str:
        if found.row_id is None:
            raise self._missing(found)
        if self.table.name != "activitypointer":
            self.org.row(self.table, found.row_id)
        return found.row_id

    def _missing(self, found: Found) -> DataverseError:
        if found.key_values:
            return key_not_found(self.table.name)
        return not_found(self.table.name, str(found.row_id))

    def _check_version(self, row_id: str) -> None:
        row = self.org.row(self.table, row_id)
        if self.call.if_match not in {None, "*", etag(row)}:
            raise version_mismatch()

    def _addressed(self) -> str:
        path = self.call.url.partition("?")[0]
        _, _, below = path.rpartition("/api/data/v9.2/")
        return f"{self.root}{below.lstrip('/')}"

    def _context(self, entity_set: str, *, single: bool = False) -> str:
        select = self.resource.query.get("$select")
        shape = f"({select})" if select else ""
        return f"{self.root}$metadata#{entity_set}{shape}{'/$entity' if single else ''}"

    def _applied(self) -> dict[str, str]:
        return {"Preference-Applied": self.preferences.applied} if self.preferences.applied else {}
