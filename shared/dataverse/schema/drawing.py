"""Views and charts as the XML their rows hold."""

from xml.etree import ElementTree as ET

from shared.dataverse.schema.model import Chart, View

_GROUP, _COUNT = "group", "count"


def view_row(view: View) -> dict[str, object]:
    """Return the columns of a view's `savedquery` row."""
    return {
        "name": view.name,
        "returnedtypecode": view.table,
        "querytype": 0,
        "fetchxml": _fetch(view),
        "layoutxml": _layout(view),
    }


def chart_row(chart: Chart) -> dict[str, object]:
    """Return the columns of a chart's `savedqueryvisualization` row."""
    return {
        "name": chart.name,
        "primaryentitytypecode": chart.table,
        "datadescription": _data(chart),
        "presentationdescription": _presentation(chart),
    }


def same(one: object, other: object) -> bool:
    """Tell whether two texts say the same, as XML if they are XML."""
    return one == other or _canonical(one) == _canonical(other)


def _canonical(text: object) -> str:
    written = str(text or "")
    try:
        return ET.canonicalize(written, strip_text=True)
    except ET.ParseError:
        return written


def _fetch(view: View) -> str:
    fetch = ET.Element("fetch", {"version": "1.0", "mapping": "logical"})
    entity = ET.SubElement(fetch, "entity", {"name": view.table})
    for name in (f"{view.table}id", *view.columns):
        ET.SubElement(entity, "attribute", {"name": name})
    if view.where:
        conditions = ET.SubElement(entity, "filter", {"type": "and"})
        for column, operator, value in view.where:
            told = {"attribute": column, "operator": operator}
            ET.SubElement(conditions, "condition", told | _value(value))
    order = {"attribute": view.order, "descending": str(view.descending).lower()}
    ET.SubElement(entity, "order", order)
    return _text(fetch)


def _layout(view: View) -> str:
    grid = ET.Element(
        "grid", {"name": "resultset", "jump": "tether_name", "select": "1", "icon": "1",
                 "preview": "1"},
    )  # fmt: skip
    row = ET.SubElement(grid, "row", {"name": "result", "id": f"{view.table}id"})
    for name, width in view.columns.items():
        ET.SubElement(row, "cell", {"name": name, "width": str(width)})
    return _text(grid)


def _data(chart: Chart) -> str:
    data = ET.Element("datadefinition")
    collection = ET.SubElement(data, "fetchcollection")
    fetch = ET.SubElement(collection, "fetch", {"mapping": "logical", "aggregate": "true"})
    entity = ET.SubElement(fetch, "entity", {"name": chart.table})
    group = {"name": chart.column, "alias": _GROUP, "groupby": "true"}
    if chart.grouping:
        group["dategrouping"] = chart.grouping
    ET.SubElement(entity, "attribute", group)
    count = {"name": f"{chart.table}id", "alias": _COUNT, "aggregate": "count"}
    ET.SubElement(entity, "attribute", count)
    categories = ET.SubElement(data, "categorycollection")
    category = ET.SubElement(categories, "category", {"alias": _GROUP})
    measures = ET.SubElement(category, "measurecollection")
    ET.SubElement(measures, "measure", {"alias": _COUNT})
    return _text(data)


def _presentation(chart: Chart) -> str:
    drawn = ET.Element("Chart")
    series = ET.SubElement(drawn, "Series")
    ET.SubElement(series, "Series", {"ChartType": chart.shape, "IsValueShownAsLabel": "True"})
    areas = ET.SubElement(drawn, "ChartAreas")
    ET.SubElement(areas, "ChartArea")
    return _text(drawn)


def _value(value: int | None) -> dict[str, str]:
    return {} if value is None else {"value": str(value)}


def _text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")
