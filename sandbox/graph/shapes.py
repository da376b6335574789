"""What a caller sees of a contact or a task: the properties asked for, under the id asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.graph import ids, listing
from sandbox.graph.errors import bad_request
from sandbox.graph.protocol import Answer, Call
from sandbox.graph.views import applied, expanded, extended_properties, selected
from sandbox.store import Document


@dataclass(frozen=True, slots=True)
class Shape:
    """A resource type: its name, what its properties are until they are set, what is expandable.

    Those that are `sparse` are left out while they have no value.
    """

    type: str
    properties: Mapping[str, Any]
    expandable: tuple[str, ...] = ()
    sparse: frozenset[str] = frozenset()

    @property
    def filterable(self) -> frozenset[str]:
        """The properties a filter may read."""
        extended = {"singleValueExtendedProperties"} & set(self.expandable)
        return frozenset({"id", *self.properties, *extended})

    def value_of(self, item: Document, path: str) -> object:
        """Return what a filter or an order reads of an item.

        Raises:
            GraphError: 400, the type has no such property.
        """
        if path.partition("/")[0] not in self.filterable:
            raise bad_request(
                f"Could not find a property named '{path}' on type 'microsoft.graph.{self.type}'.",
                "RequestBroker--ParseUri",
            )
        if path == "singleValueExtendedProperties":
            return [{"id": key, "value": value} for key, value in item["extended"].items()]
        return listing.property_of({**self.properties, **item}, path)


class ShapedView:
    """How one call wants items of a shape: `$select`, `$expand` and `Prefer` (graph.md 8.1).

    Raises:
        GraphError: 400, a property is selected or expanded that the type does not have.
    """

    def __init__(self, call: Call, shape: Shape) -> None:
        self._shape = shape
        self._immutable = call.immutable_ids
        self.select = selected(call.query.get("$select"), ("id", *shape.properties), shape.type)
        self._expand = expanded(call.query.get("$expand", ""), shape.expandable, shape.type)
        self.applied = applied(call.preferences())

    def id_of(self, item: Document) -> str:
        """Return the id the caller knows the item by."""
        return str(item["id"] if self._immutable else item["regularId"])

    def show(self, item: Document) -> Document:
        """Return an item as the caller asked for it."""
        shown: Document = {"@odata.etag": ids.etag(item["changeKey"]), "id": self.id_of(item)}
        for name in self.select or self._shape.properties:
            value = item.get(name, self._shape.properties.get(name))
            if name != "id" and not (value is None and name in self._shape.sparse):
                shown[name] = value
        for name, option in self._expand.items():
            if name == "singleValueExtendedProperties":
                shown |= extended_properties(item["extended"], option)
            else:
                shown[name] = item[name]
        return shown

    def in_delta(self, row: Document) -> Document:
        """Return a row of a round: an item, or that one is gone."""
        kind = {"@odata.type": f"#microsoft.graph.{self._shape.type}"}
        if "removedFrom" in row:
            return {**kind, "id": self.id_of(row), "@removed": {"reason": "deleted"}}
        return kind | self.show(row)

    def entity(self, call: Call, item: Document, path: str, *, status: int = 200) -> Answer:
        """Answer with one item of the collection at `path`."""
        chosen = f"({','.join(self.select)})" if self.select else ""
        context = f"{call.base_url}/$metadata#{path}{chosen}/$entity"
        headers = {"ETag": ids.etag(item["changeKey"]), **self.applied}
        if status == 201:
            headers["Location"] = f"{call.base_url}/{path}('{self.id_of(item)}')"
        return Answer(status, {"@odata.context": context, **self.show(item)}, headers)
