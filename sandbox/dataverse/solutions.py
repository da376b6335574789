"""Solutions: what belongs to one, what a view or chart must be, and the package made of it."""

import base64
import io
import zipfile
from collections.abc import Iterator
from typing import Literal
from uuid import uuid4
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from sandbox.dataverse.errors import DataverseError, invalid_argument, not_allowed
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.organization import Organization, reference
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Table

Component = Literal["table", "column", "relationship", "key", "role", "view", "chart"]
COMPONENTS: dict[Component, int] = {
    "table": 1, "column": 2, "relationship": 10, "key": 14, "role": 20, "view": 26, "chart": 59,
}  # fmt: skip
ROWS: dict[str, Component] = {
    "role": "role", "savedquery": "view", "savedqueryvisualization": "chart",
}  # fmt: skip
"""The tables whose rows are components themselves."""
_XML = {
    "savedquery": {"fetchxml": "fetch", "layoutxml": "grid"},
    "savedqueryvisualization": {
        "datadescription": "datadefinition",
        "presentationdescription": "Chart",
    },
}
_OF_TABLE = {"savedquery": "returnedtypecode", "savedqueryvisualization": "primaryentitytypecode"}


def check_component(org: Organization, table: Table, row: Row) -> None:
    """Check what is peculiar to views, charts and roles.

    Raises:
        DataverseError: its XML is not what it should be, or it is of no table or business unit.
    """
    if table.name == "role" and not (row.get("name") and row.get("businessunitid")):
        raise invalid_argument("A role needs a 'name' and a 'businessunitid'.")
    if table.name not in _OF_TABLE:
        return
    if row.get(_OF_TABLE[table.name]) not in org.schema:
        raise invalid_argument(f"'{_OF_TABLE[table.name]}' of '{table.name}' names no table.")
    for column, root in _XML[table.name].items():
        text = row.get(column) or ""
        try:
            found = ET.fromstring(text).tag  # noqa: S314 - text of the test that sends it
        except ET.ParseError as error:
            raise DataverseError(400, "0x80041129", f"'{column}' is no XML: {error}") from None
        if found != root:
            raise DataverseError(400, "0x80041129", f"'{column}' must be a <{root}>.")
    if table.name == "savedquery" and row.get("querytype") is None:
        raise invalid_argument("A view needs a 'querytype'.")


def add_to_solution(
    org: Organization, solution: str | None, kind: Component, object_id: str
) -> None:
    """Make something a part of a solution; harmless when it is.

    Raises:
        DataverseError: there is no such solution.
    """
    if not solution:
        return
    found = _solution(org, solution)
    for one in org.rows.find("solutioncomponent", "objectid", object_id):
        if (org.rows.get("solutioncomponent", one) or {})["solutionid"]["id"] == found:
            return
    component_id = str(uuid4())
    org.rows.put(
        "solutioncomponent",
        component_id,
        {
            "solutioncomponentid": component_id,
            "solutionid": reference("solution", found),
            "objectid": object_id,
            "componenttype": COMPONENTS[kind],
            "rootcomponentbehavior": 0,
            "createdon": org.now(),
            "modifiedon": org.now(),
            "versionnumber": org.rows.next_version(),
        },
    )


def forget_component(org: Organization, object_id: str) -> None:
    """Take what is deleted out of every solution."""
    for one in org.rows.find("solutioncomponent", "objectid", object_id):
        org.rows.remove("solutioncomponent", one)


def add_component(org: Organization, call: Call) -> Answer:
    """AddSolutionComponent: make a table, role, view or chart that exists a part of a solution.

    Raises:
        DataverseError: there is no such solution or component.
    """
    body = call.json()
    kind = next((k for k, n in COMPONENTS.items() if n == body.get("ComponentType")), None)
    object_id = str(body.get("ComponentId")).lower()
    if kind is None or not _exists(org, kind, object_id):
        raise DataverseError(404, "0x80040217", f"There is no such component: {object_id}.")
    if not isinstance(body.get("AddRequiredComponents"), bool):
        raise invalid_argument("'AddRequiredComponents' must be true or false.")
    name = body.get("SolutionUniqueName")
    if not isinstance(name, str) or not name:
        raise invalid_argument("'SolutionUniqueName' is missing.")
    add_to_solution(org, name, kind, object_id)
    return Answer(200, {}, {"@odata.context": "#Microsoft.Dynamics.CRM.AddSolutionComponent"})


def export_solution(org: Organization, call: Call) -> Answer:
    """ExportSolution: the package, as base64.

    Raises:
        DataverseError: there is no such solution, or it came as a managed one.
    """
    body = call.json()
    name, managed = body.get("SolutionName"), body.get("Managed")
    if not isinstance(name, str) or not isinstance(managed, bool):
        raise invalid_argument("'SolutionName' and 'Managed' are needed.")
    row = org.rows.get("solution", _solution(org, name)) or {}
    if row["ismanaged"]:
        raise not_allowed("A managed solution cannot be exported.", "0x80048036")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _CONTENT_TYPES)
        archive.writestr("solution.xml", _manifest(org, row, managed=managed))
        archive.writestr("customizations.xml", _customizations(org, row))
    return Answer(
        200,
        {},
        {
            "@odata.context": "#Microsoft.Dynamics.CRM.ExportSolutionResponse",
            "ExportSolutionFile": base64.b64encode(package.getvalue()).decode(),
        },
    )


def _solution(org: Organization, name: str) -> str:
    found = org.rows.find("solution", "uniquename", name)
    if not found:
        raise DataverseError(400, "0x80048d21", f"There is no solution named '{name}'.")
    return found[0]


def _exists(org: Organization, kind: Component, object_id: str) -> bool:
    if kind == "table":
        return any(table.metadata_id == object_id for table in org.schema)
    return any(org.rows.get(name, object_id) for name, one in ROWS.items() if one == kind)


def _members(org: Organization, solution: Row) -> Iterator[tuple[int, str]]:
    for one in org.rows.find("solutioncomponent", "solutionid", solution["solutionid"]):
        row = org.rows.get("solutioncomponent", one) or {}
        yield row["componenttype"], row["objectid"]


def _manifest(org: Organization, solution: Row, *, managed: bool) -> str:
    publisher = org.rows.get("publisher", solution["publisherid"]["id"]) or {}
    roots = "".join(
        f'<RootComponent type="{kind}" id="{{{object_id}}}" behavior="0"/>'
        for kind, object_id in sorted(_members(org, solution))
    )
    return (
        '<ImportExportXml version="9.2.0.0"><SolutionManifest>'
        f"<UniqueName>{escape(solution['uniquename'])}</UniqueName>"
        f"<Version>{escape(solution['version'])}</Version><Managed>{int(managed)}</Managed>"
        f"<Publisher><UniqueName>{escape(publisher['uniquename'])}</UniqueName>"
        f"<CustomizationPrefix>{escape(publisher['customizationprefix'])}</CustomizationPrefix>"
        f"</Publisher><RootComponents>{roots}</RootComponents>"
        "</SolutionManifest></ImportExportXml>"
    )


def _customizations(org: Organization, solution: Row) -> str:
    members = {object_id for _, object_id in _members(org, solution)}
    tables = [table for table in org.schema if table.metadata_id in members]
    entities = "".join(
        f"<Entity><Name>{table.schema_name}</Name><attributes>"
        + "".join(f"<attribute PhysicalName={quoteattr(c)}/>" for c in table.columns)
        + f"</attributes><SavedQueries>{_rows(org, 'savedquery', table)}</SavedQueries>"
        f"<Visualizations>{_rows(org, 'savedqueryvisualization', table)}</Visualizations></Entity>"
        for table in tables
    )
    roles = "".join(
        f'<Role id="{{{row_id}}}" name={quoteattr(row["name"])}/>'
        for row_id, row in org.rows.all("role")
        if row_id in members
    )
    return (
        f"<ImportExportXml><Entities>{entities}</Entities><Roles>{roles}</Roles></ImportExportXml>"
    )


def _rows(org: Organization, name: str, table: Table) -> str:
    ids = org.rows.find(name, _OF_TABLE[name], table.name)
    rows = (org.rows.get(name, one) or {} for one in ids)
    return "".join(f"<{name} name={quoteattr(row['name'])}/>" for row in rows)


_CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/octet-stream"/></Types>'
)
