"""The directory's groups: who is in them, directly or through other groups."""

import re
from collections.abc import Callable, Iterable

from sandbox.graph import listing, users
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.store import Document
from sandbox.tenant import Group, Person, Tenant

READ = frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"})
_PROPERTIES = ("id", "displayName", "mail")


class Groups:
    """Answers what is asked about groups."""

    def __init__(self, tenant: Tenant) -> None:
        self._groups: dict[str, Group] = {}
        self._people = {person.id.lower(): person for person in tenant.people}
        self.replace(tenant.groups)

    def replace(self, groups: Iterable[Group]) -> None:
        """Let these be the directory's groups."""
        self._groups = {group.id.lower(): group for group in groups}

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        return [
            Route("GET", "/groups", self._list, READ, metered=False),
            Route("GET", "/groups/{group}", self._get, READ, metered=False),
            Route("GET", "/groups/{group}/members/user", self._members, READ, metered=False),
            Route("GET", "/groups/{group}/transitiveMembers/user", self._all, READ, metered=False),
        ]

    async def _list(self, call: Call) -> Answer:
        groups = map(_group, self._groups.values())
        return listing.page(
            call,
            groups,
            value_of=listing.property_of,
            show=_selecting(call, _PROPERTIES, "group"),
            context="groups",
        )

    async def _get(self, call: Call) -> Answer:
        group = _group(self._found(call))
        context = f"{call.base_url}/$metadata#groups/$entity"
        shown = _selecting(call, _PROPERTIES, "group")(group)
        return Answer(200, {"@odata.context": context, **shown})

    async def _members(self, call: Call) -> Answer:
        members = (self._people.get(one.lower()) for one in self._found(call).members)
        return self._page(call, filter(None, members))

    async def _all(self, call: Call) -> Answer:
        members: dict[str, Person] = {}
        seen, to_do = set[str](), [self._found(call)]
        while to_do:
            for one in (member.lower() for member in to_do.pop().members):
                if one in self._people:
                    members[one] = self._people[one]
                elif one in self._groups and one not in seen:
                    seen.add(one)
                    to_do.append(self._groups[one])
        return self._page(call, members.values())

    def _page(self, call: Call, people: Iterable[Person]) -> Answer:
        return listing.page(
            call,
            map(users.user, people),
            value_of=listing.property_of,
            show=users.selecting(call),
            context="users",
        )

    def _found(self, call: Call) -> Group:
        key = call.parameters["group"]
        found = self._groups.get(key.lower())
        if found is None:
            text = f"Resource '{key}' does not exist or one of its queried reference-property"
            raise GraphError(404, "Request_ResourceNotFound", f"{text} objects are not present.")
        return found


def _group(group: Group) -> Document:
    return {"id": group.id, "displayName": group.display_name, "mail": group.mail}


def _selecting(
    call: Call, properties: tuple[str, ...], kind: str
) -> Callable[[Document], Document]:
    wanted = [name for name in re.split(r"\s*,\s*", call.query.get("$select", "")) if name]
    for name in wanted:
        if name not in properties:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
            raise bad_request(message, "Request_BadRequest")
    return lambda row: {name: row[name] for name in wanted or properties}
