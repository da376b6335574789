"""Reading rows: which of them, in which order, and how they look on the wire."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import quote
from uuid import UUID

from sandbox.dataverse.errors import bad_query
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.query import Getter, Query, getter
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.values import shown
from sandbox.odata import Filter, ordered

MAX_PAGE = 5000
COUNT_CAP = 5000  # what $count says at most (dataverse.md 12.11)
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
COOKIE = re.compile(r'pagenumber="(\d+)" last="([0-9a-f-]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a result; `skiptoken` says where the next one starts."""

    rows: list[dict[str, object]]
    count: int | None = None
    skiptoken: str | None = None


class Reader:
    """Reads rows of an organisation; `annotations` are the patterns the client prefers."""

    def __init__(self, org: Organization, annotations: Sequence[str] = ()) -> None:
        self.org = org
        self.formatted = any(fnmatchcase(FORMATTED, pattern) for pattern in annotations)
        self.logical_name = any(fnmatchcase(LOGICAL_NAME, pattern) for pattern in annotations)
        self.navigation = any(fnmatchcase(NAVIGATION, pattern) for pattern in annotations)

    def row(self, table: Table, row_id: str) -> Row:
        """Return a row, of an activity pointer the activity's, seen as one.

        Raises:
            DataverseError: 404, there is none.
        """
        if table.name == "activitypointer":
            concrete = self.org.concrete_table(table, row_id)
            return pointer_view(table, self.org.row(self.org.schema[concrete], row_id))
        return self.org.row(table, row_id)

    def page(
        self,
        table: Table,
        query: Query,
        *,
        size: int = MAX_PAGE,
        skiptoken: str | None = None,
        among: Iterable[Row] | None = None,
    ) -> Page:
        """Return one page of a query's result, of the whole table or `among` some rows.

        Raises:
            DataverseError: the skiptoken is not one of ours.
        """
        rows = self.matching(table, query, among)
        total = min(len(rows), COUNT_CAP) if query.count else None
        if query.top is not None:
            rows = rows[: query.top]
        number, start = self._start(table, rows, skiptoken)
        shown_rows = rows[start : start + size]
        token = None
        if start + size < len(rows):
            last = shown_rows[-1][table.id_column]
            token = f'<cookie pagenumber="{number + 1}" last="{last}" istracking="False" />'
        return Page([self.render(table, row, query) for row in shown_rows], total, token)

    def matching(self, table: Table, query: Query, among: Iterable[Row] | None = None) -> list[Row]:
        """Return the rows that pass the filter, in order."""
        rows = self._candidates(table, query.filter) if among is None else among
        if query.filter:
            predicate = query.filter
            getters = {path: self._getter(table, path) for path in predicate.paths}
            rows = [
                row
                for row in rows
                if predicate.matches(lambda path, row=row: getters[path](row), ignore_case=True)  # type: ignore[misc]  # mypy cannot infer the default
            ]
        rows = sorted(rows, key=lambda row: str(row[table.id_column]))
        if query.orderby:
            sorters = {order.path: self._getter(table, order.path) for order in query.orderby}
            rows = ordered(rows, query.orderby, lambda row, path: sorters[path](row))
        return rows

    def render(self, table: Table, row: Row, query: Query) -> dict[str, object]:
        """Return a row as it goes over the wire."""
        shape: dict[str, object] = {"@odata.etag": etag(row)}
        names = query.select
        if names is not None and table.id_column not in names:
            names = (*names, table.id_column)
        for name in names if names is not None else table.properties:
            self._render_value(table.properties[name], row, shape)
        for name, inner in query.expand.items():
            if name in table.navigations:
                shape[name] = self._expanded_row(table, row, name, inner)
            else:
                self._expand_rows(table, row, name, inner, shape)
        return shape

    def related(self, table: Table, row: Row, name: str) -> list[Row]:
        """Return the rows of a collection-valued navigation property."""
        backward = self.org.schema.collections(table)[name]
        row_id = str(row[table.id_column])
        ids = self.org.rows.find(backward.table, backward.column, row_id)
        rows = [self.org.rows.get(backward.table, one) or {} for one in ids]
        if table.name == "activitypointer":
            return rows
        return [one for one in rows if one[backward.column]["table"] == table.name]

    def _getter(self, table: Table, path: str) -> Getter:
        return getter(self.org.schema, table, path, self.org.rows.get)

    def _candidates(self, table: Table, predicate: Filter | None) -> Iterable[Row]:
        if table.name == "activitypointer":
            return [
                pointer_view(table, row)
                for activity in self.org.schema.activities
                for _, row in self.org.rows.all(activity.name)
            ]
        anchor = predicate.anchor() if predicate else None
        if anchor is None or anchor[0] not in table.properties:
            return [row for _, row in self.org.rows.all(table.name)]
        column = table.properties[anchor[0]]
        if column.type not in {"string", "uniqueidentifier", "lookup", "owner", "customer"}:
            return [row for _, row in self.org.rows.all(table.name)]
        keys = {str(v) if isinstance(v, UUID) else v for v in anchor[1]}
        ids = dict.fromkeys(
            row_id for key in keys for row_id in self.org.rows.find(table.name, column.name, key)
        )
        return [self.org.rows.get(table.name, row_id) or {} for row_id in ids]

    def _start(self, table: Table, rows: list[Row], skiptoken: str | None) -> tuple[int, int]:
        if skiptoken is None:
            return 1, 0
        match = COOKIE.search(skiptoken)
        if match is None:
            raise bad_query("The skiptoken is malformed.")
        ids = [row[table.id_column] for row in rows]
        after = ids.index(match[2]) + 1 if match[2] in ids else len(ids)
        return int(match[1]), after

    def _render_value(self, column: Column, row: Row, shape: dict[str, object]) -> None:
        name, value = column.property_name, row.get(column.name)
        if not column.is_lookup:
            shape[name] = value
            if self.formatted and (text := shown(column, value)) is not None:
                shape[f"{name}@{FORMATTED}"] = text
            return
        shape[name] = value["id"] if value else None
        if not value:
            return
        if self.formatted and (text := self.org.name_of(value)) is not None:
            shape[f"{name}@{FORMATTED}"] = text
        link = next((r for r in column.references if r.target == value["table"]), None)
        if self.navigation and link:
            shape[f"{name}@{NAVIGATION}"] = link.navigations[0]
        if self.logical_name:
            shape[f"{name}@{LOGICAL_NAME}"] = value["table"]

    def _expanded_row(
        self, table: Table, row: Row, name: str, query: Query
    ) -> dict[str, object] | None:
        column, link = table.navigations[name]
        value = row.get(column.name)
        if value is None:
            return None
        target = self.org.schema[link.target]
        if link.target == "activitypointer" or value["table"] == link.target:
            return self.render(target, self.row(target, value["id"]), query)
        if column.type == "owner":
            owner = self.org.schema[value["table"]]
            return self.render(owner, self.row(owner, value["id"]), query)
        return None

    def _expand_rows(
        self, table: Table, row: Row, name: str, query: Query, shape: dict[str, object]
    ) -> None:
        target = self.org.schema[self.org.schema.collections(table)[name].table]
        page = self.page(target, query, among=self.related(table, row, name))
        shape[name] = page.rows
        if page.count is not None:
            shape[f"{name}@odata.count"] = page.count


def etag(row: Row) -> str:
    """Return the row's version as an entity tag."""
    return f'W/"{row["versionnumber"]}"'


def pointer_view(table: Table, row: Row) -> Row:
    """Return an activity as `activitypointer` shows it: its status codes are its own."""
    view = {name: row.get(name) for name in table.columns}
    view["statuscode"] = table.status_of(row["statecode"])
    for name in ("subject", "description"):
        text = row.get(name) or ""
        view[name] = text[: table.columns[name].max_length] or None
    return view


def next_link(root: str, path: str, options: Mapping[str, str], skiptoken: str) -> str:
    """Return the URL of the next page."""
    kept = {name: value for name, value in options.items() if name != "$skiptoken"}
    query = "&".join(
        f"{quote(name, safe='$@')}={quote(value, safe='')}"
        for name, value in {**kept, "$skiptoken": skiptoken}.items()
    )
    return f"{root}{path}?{query}"
