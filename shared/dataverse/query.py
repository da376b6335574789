"""Queries that ask for many values at once, cut so that each URL stays within what is allowed."""

from collections.abc import Collection, Iterator
from urllib.parse import quote

from shared.dataverse.batch import Operation, Response

_MAX_FILTER_CHARACTERS = 48_000  # percent-encoded; a URL in a batch may have 64 KB
_AROUND_A_VALUE = len("%27%27%2C")


def rows_where_in(
    entity_set: str,
    columns: Collection[str],
    values: Collection[str],
    *,
    select: str,
    and_filter: str = "",
    expand: str = "",
) -> list[Operation]:
    """Ask for the rows in which one of `columns` holds one of `values`; none for no values."""
    operations: list[Operation] = []
    for some in _slices(sorted(values), len(columns)):
        listed = ",".join(f"'{value.replace("'", "''")}'" for value in some)
        anyone = " or ".join(
            f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{listed}])"
            for column in columns
        )
        condition = f"({anyone}) and {and_filter}" if and_filter else anyone
        path = f"{entity_set}?$select={select}&$filter={quote(condition, safe='')}"
        operations.append(Operation("GET", f"{path}&$expand={expand}" if expand else path))
    return operations


def next_page(response: Response) -> Operation | None:
    """Return how to ask for the rows that did not fit into an answer, None if all did."""
    link = str(response.body.get("@odata.nextLink") or "")
    path = link.partition("/api/data/")[2].partition("/")[2]
    return Operation("GET", path) if path else None


def _slices(values: list[str], repeated: int) -> Iterator[list[str]]:
    room = _MAX_FILTER_CHARACTERS // repeated
    some: list[str] = []
    used = 0
    for value in values:
        weight = len(quote(value.replace("'", "''"), safe="")) + _AROUND_A_VALUE
        if some and used + weight > room:
            yield some
            some, used = [], 0
        some.append(value)
        used += weight
    if some:
        yield some
