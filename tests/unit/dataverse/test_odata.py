"""`$filter` and `$orderby`: what parses, what it means, and what a filter says about itself."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.odata import ODataSyntaxError, Order, ordered, parse_filter, parse_orderby

GUID = "0b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90"
ROW: dict[str, Any] = {
    "name": "O'Neil",
    "number": 5,
    "price": 1.5,
    "flag": True,
    "id": GUID,
    "when": "2026-05-04T08:15:30.0000000Z",
    "tags": ["Red", "Blue"],
    "properties": [{"id": "a", "value": "1"}, {"id": "b", "value": "2"}],
    "from/emailAddress/address": "ada@x.example",
}


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'O''Neil'",
        "'O''Neil' eq name",
        "name ne 'x'",
        "missing eq null",
        "name ne null",
        "missing ne 'x'",
        "flag",
        "flag eq true",
        "not (flag eq false)",
        "not missing",
        "true",
        "number eq 5 and price gt 1.25",
        "number in (4, 5)",
        "number ge -5",
        "number lt 1e3",
        "number eq 4 or number eq 5 and flag",
        "not (number eq 4) and flag",
        f"id eq {GUID.upper()}",
        f"id eq '{GUID}'",
        "when eq 2026-05-04T08:15:30Z",
        "when eq 2026-05-04T10:15:30+02:00",
        "when ge 2026-05-04",
        "when lt 2026-05-04T08:15:31.5Z",
        "from/emailAddress/address eq 'ada@x.example'",
        "contains(name,'Nei') and startswith(name,'O') and endswith(name,'l')",
        "contains(name,'Nei') eq true",
        "tolower(name) eq 'o''neil' and toupper(name) eq 'O''NEIL'",
        "length(name) eq 6",
        "tags/any(t:t eq 'Red')",
        "tags/any()",
        "tags/all(t:t ne 'Green')",
        "missing/all(t:t eq 'x')",
        "properties/any(p:p/id eq 'a' and p/value eq '1')",
        "properties/any(p:p/id eq 'a' and p/value eq '1' and number eq 5)",
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['x','O''Neil'])",
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[\"O'Neil\"])",
        "Microsoft.Dynamics.CRM.In(PropertyName='number',PropertyValues=['5'])",
        "Microsoft.Dynamics.CRM.NotIn(PropertyName='name',PropertyValues=['x'])",
        "Microsoft.Dynamics.CRM.Between(PropertyName='number',PropertyValues=['4','6'])",
        "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)",
        "name eq Some.Namespace.Kind'O''Neil'",
    ],
)
def test_what_the_row_passes(text: str) -> None:
    aliases = {"@p1": "'name'", "@p2": '["a","O\'Neil"]'}
    assert parse_filter(text, aliases).matches(ROW.get)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'o''neil'",
        "name gt 5",
        "missing gt 1",
        "missing le 1",
        "name",
        "number",
        "flag eq 1",
        "number eq '5'",
        "properties/any(p:p/id eq 'a' and p/value eq '2')",
        "missing/any(t:t eq 'x')",
        "contains(missing,'x')",
        "Microsoft.Dynamics.CRM.In(PropertyName='missing',PropertyValues=['None'])",
    ],
)
def test_what_the_row_does_not_pass(text: str) -> None:
    assert not parse_filter(text).matches(ROW.get)


@pytest.mark.parametrize(
    "text",
    ["name eq 'o''neil'", "contains(name,'NEI')", "tags/any(t:t eq 'red')", "name in ('O''NEIL')",
     "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['o''neil'])"],
)  # fmt: skip
def test_without_regard_to_case(text: str) -> None:
    assert parse_filter(text).matches(ROW.get, ignore_case=True)
    assert not parse_filter(text).matches(ROW.get)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("name eq", 7),
        ("name eq 'x", 8),
        ("name eq 'x' and", 15),
        ("(name eq 'x'", 12),
        ("name eq 'x')", 11),
        ("name 'x'", 5),
        ("not name eq 'x'", 9),
        ("'x'", 3),
        ("unknown(name)", 0),
        ("contains(name)", 0),
        ("tolower(name,'x')", 0),
        ("name eq @p", 8),
        ("tags/any(t t eq 'x')", 11),
        ("name in ()", 9),
        ("name eq #", 8),
        ("name eq [1", 8),
        ("", 0),
        ("(" * 60 + "flag" + ")" * 60, 50),
        ("Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues='x')", 64),
    ],
)
def test_what_does_not_parse_is_refused_with_the_position(text: str, position: int) -> None:
    with pytest.raises(ODataSyntaxError, match=rf"at position {position}\b"):
        parse_filter(text)


def test_no_such_day() -> None:
    with pytest.raises(ODataSyntaxError, match="2026-02-30"):
        parse_filter("when gt 2026-02-30")


def test_a_filter_knows_what_it_uses() -> None:
    found = parse_filter(
        f"(name eq 'x' or from/a ne null) and tags/any(t:t/b eq other) and id eq {GUID} "
        "and when gt 2026-05-04"
    )
    assert found.paths == {"name", "from/a", "tags", "other", "id", "when"}
    assert found.comparisons == (
        ("name", "x"),
        ("from/a", None),
        ("id", UUID(GUID)),
        ("when", datetime(2026, 5, 4, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a eq 1", ("a", (1,))),
        ("a in (1,2)", ("a", (1, 2))),
        ("b gt 1 and a eq 1", ("a", (1,))),
        ("a eq 1 or a eq 2", ("a", (1, 2))),
        ("(a eq 1 or a in (2,3)) and b", ("a", (1, 2, 3))),
        ("a eq 1 or b eq 2", None),
        ("a eq 1 or a gt 2", None),
        ("not (a eq 1)", None),
        ("a ne 1", None),
        ("a eq b", None),
        ("tags/any(t:t eq 1)", None),
    ],
)
def test_the_anchor_for_an_index(
    text: str, expected: tuple[str, tuple[object, ...]] | None
) -> None:
    assert parse_filter(text).anchor() == expected


VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "B", "it's"])
ROWS = st.fixed_dictionaries(dict.fromkeys("abc", VALUES))


def literal(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return "'" + value.replace("'", "''") + "'"
    return str(value)


@st.composite
def filters(draw: st.DrawFn, depth: int = 3) -> tuple[str, Any]:
    """Return a filter's text and the same predicate in Python."""
    kind = draw(
        st.sampled_from(["eq", "ne", "in", "and", "or", "not"] if depth else ["eq", "ne", "in"])
    )
    if kind in {"and", "or"}:
        (one, first), (two, second) = draw(filters(depth - 1)), draw(filters(depth - 1))
        text = f"({one}) {kind} ({two})"
        if kind == "and":
            return text, lambda row: first(row) and second(row)
        return text, lambda row: first(row) or second(row)
    if kind == "not":
        inner, predicate = draw(filters(depth - 1))
        return f"not ({inner})", lambda row: not predicate(row)
    name = draw(st.sampled_from("abc"))
    if kind == "in":
        values = draw(st.lists(VALUES, min_size=1, max_size=3))
        listed = ",".join(map(literal, values))
        return f"{name} in ({listed})", lambda row: any(same(row[name], v) for v in values)
    value = draw(VALUES)
    return f"{name} {kind} {literal(value)}", lambda row: same(row[name], value) == (kind == "eq")


def same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


@settings(deadline=None)  # a busy machine is no fault
@given(filters(), ROWS)
def test_a_filter_means_what_its_parts_mean(drawn: tuple[str, Any], row: dict[str, Any]) -> None:
    text, predicate = drawn
    assert parse_filter(text).matches(row.get) == predicate(row), text


@settings(deadline=None)  # a busy machine is no fault
@given(filters(), st.lists(ROWS, max_size=5))
def test_every_row_that_passes_has_the_anchor(
    drawn: tuple[str, Any], rows: list[dict[str, Any]]
) -> None:
    found = parse_filter(drawn[0])
    anchor = found.anchor()
    for row in rows:
        if anchor and found.matches(row.get):
            assert any(same(row[anchor[0]], value) for value in anchor[1])


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "a",
                "eq",
                "'x'",
                "(",
                ")",
                "and",
                "not",
                "1",
                "any",
                "/",
                "a/any(t:",
                "in",
                ",",
                "@p",
                "[",
            ]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_filter(text, {"@p": "'x'"}).matches(ROW.get)
    except ODataSyntaxError as error:
        assert "position" in str(error) or "date or time" in str(error)  # noqa: PT017 - both ways are right


def test_orders() -> None:
    assert parse_orderby("a desc, b/c,d asc") == (
        Order("a", descending=True), Order("b/c", descending=False), Order("d", descending=False),
    )  # fmt: skip
    for text in ("", "a desc desc", "a,", "a b", "'a'"):
        with pytest.raises(ODataSyntaxError):
            parse_orderby(text)


def test_rows_in_order_keep_theirs_where_equal() -> None:
    rows: list[dict[str, Any]] = [
        {"a": "b", "n": 1},
        {"a": None, "n": 2},
        {"a": "A", "n": 3},
        {"a": "B", "n": 4},
    ]
    found = ordered(rows, parse_orderby("a desc"), lambda row, path: row[path])
    assert [row["n"] for row in found] == [1, 4, 3, 2]
    found = ordered(rows, parse_orderby("a,n desc"), lambda row, path: row[path])
    assert [row["n"] for row in found] == [2, 3, 4, 1]
