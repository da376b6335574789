"""`$filter`, `$orderby`, `$top`, `$skip` and `$count` over a collection, a page at a time."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.protocol import Answer, Call
from sandbox.odata import Filter, ODataSyntaxError, Order, ordered, parse_filter, parse_orderby
from sandbox.store import Document

DEFAULT_PAGE = 10
LARGEST_PAGE = 1000

type ValueOf = Callable[[Document, str], object]


def page(
    call: Call,
    rows: Iterable[Document],
    *,
    value_of: ValueOf,
    show: Callable[[Document], Document],
    context: str,
    default_order: str | None = None,
) -> Answer:
    """Answer with one page of `rows`, and where the next one is.

    Raises:
        GraphError: 400, an option is malformed or the combination is one Exchange refuses.
    """
    if "$search" in call.query:
        raise bad_request("$search is not served by this endpoint.")
    found = parsed_filter(call.query.get("$filter"))
    kept = [row for row in rows if found is None or matches(found, row, value_of)]
    orders = _orders(call.query.get("$orderby") or default_order)
    if "$orderby" in call.query and found is not None:
        _check_restriction(found, call.query["$filter"], orders)
    kept = ordered(kept, orders, value_of)
    skip, top = whole_number(call, "$skip", 0), page_size(call)
    body: dict[str, Any] = {"@odata.context": f"{call.base_url}/$metadata#{context}"}
    if call.query.get("$count", "").lower() == "true":
        body["@odata.count"] = len(kept)
    body["value"] = [show(row) for row in kept[skip : skip + top]]
    if skip + top < len(kept):
        body["@odata.nextLink"] = link(call, {"$skip": str(skip + top)})
    return Answer(200, body)


def parsed_filter(text: str | None) -> Filter | None:
    """Return a parsed `$filter`, None when there is none.

    Raises:
        GraphError: 400, its syntax is wrong.
    """
    if not text:
        return None
    try:
        return parse_filter(text)
    except ODataSyntaxError as error:
        raise bad_request(f"Invalid filter clause: {error}") from error


def matches(found: Filter, row: Document, value_of: ValueOf) -> bool:
    """Tell whether a row passes; Exchange compares text without regard to case."""
    return found.matches(lambda path: value_of(row, path), ignore_case=True)


def page_size(call: Call) -> int:
    """Return how many rows a page may have: `$top`, else the preferred size, else ten."""
    preferred = call.preferences().get("odata.maxpagesize", "")
    default = int(preferred) if preferred.isdigit() and int(preferred) else DEFAULT_PAGE
    return max(1, min(whole_number(call, "$top", default), LARGEST_PAGE))


def whole_number(call: Call, option: str, default: int) -> int:
    """Return a query option that is a number from 0.

    Raises:
        GraphError: 400, it is something else.
    """
    text = call.query.get(option)
    if text is None:
        return default
    if not text.isdigit():
        raise bad_request(
            f"Invalid value '{text}' for {option} query option found. The {option} "
            "query option requires a non-negative integer value."
        )
    return int(text)


def link(call: Call, options: dict[str, str]) -> str:
    """Return the address of this call with some query options put differently."""
    query = urlencode({**call.query, **options}, safe="$'(),:", quote_via=quote)
    return f"{call.base_url}/{call.path.lstrip('/')}?{query}"


def property_of(row: Document, path: str) -> object:
    """Return the value at a path such as `from/emailAddress/address`, None when there is none."""
    value: Any = row
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _orders(text: str | None) -> tuple[Order, ...]:
    try:
        return parse_orderby(text) if text else ()
    except ODataSyntaxError as error:
        raise bad_request(f"Invalid orderby clause: {error}") from error


def _check_restriction(found: Filter, text: str, orders: tuple[Order, ...]) -> None:
    """Refuse an order whose properties are not the filter's first, in the same order."""
    bare = re.sub(r"'(?:[^']|'')*'", "", text)
    mentioned = sorted(found.paths, key=bare.find)
    if mentioned[: len(orders)] != [order.path for order in orders]:
        message = "The restriction or sort order is too complex for this operation."
        raise GraphError(400, "InefficientFilter", message)
