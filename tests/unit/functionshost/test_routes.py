"""Route templates, matched as ASP.NET does."""

import pytest

from sandbox.functionshost.errors import StartError
from sandbox.functionshost.routes import Route, split_path


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/things", "/api/things", {}),
        ("api/things", "/API/Things/", {}),
        ("api/things", "/api/things/1", None),
        ("api/things", "/api", None),
        ("things/{id}", "/things/A%20b", {"id": "A b"}),
        ("things/{id}", "/things/a%2Fb", {"id": "a%2Fb"}),
        ("things/{id}", "/things/", None),
        ("things/{id}", "/things//more", None),
        ("things/{id:int}", "/things/-12", {"id": "-12"}),
        ("things/{id:int}", "/things/2147483648", None),
        ("things/{id:long}", "/things/2147483648", {"id": "2147483648"}),
        ("things/{id:int}", "/things/x", None),
        ("things/{id:int?}", "/things", {}),
        ("things/{id:int?}", "/things/x", None),
        ("things/{id=7}", "/things", {"id": "7"}),
        ("t/{g:guid}", "/t/0f8fad5b-d9cb-469f-a165-70867728950e", None),
        ("t/{g:guid}", "/t/nope", None),
        ("t/{s:length(3)}", "/t/abc", {"s": "abc"}),
        ("t/{s:length(3)}", "/t/abcd", None),
        ("t/{s:length(2,3)}", "/t/ab", {"s": "ab"}),
        ("t/{s:minlength(2)}", "/t/a", None),
        ("t/{s:maxlength(2)}", "/t/abc", None),
        ("t/{n:range(1,5)}", "/t/5", {"n": "5"}),
        ("t/{n:range(1,5)}", "/t/6", None),
        ("t/{n:min(3)}", "/t/2", None),
        ("t/{n:max(3)}", "/t/4", None),
        ("t/{b:bool}", "/t/True", {"b": "True"}),
        ("t/{b:bool}", "/t/yes", None),
        ("t/{a:alpha:length(2)}", "/t/ab", {"a": "ab"}),
        ("t/{a:alpha:length(2)}", "/t/a1", None),
        ("t/{*rest}", "/t/a/b/c", {"rest": "a/b/c"}),
        ("t/{*rest}", "/t", {}),
        ("t/{**rest}", "/t/a", {"rest": "a"}),
        ("", "/", {}),
        ("", "/x", None),
    ],
)
def test_matches(template: str, path: str, values: dict[str, str] | None) -> None:
    if values is None and path.startswith("/t/0f8fad5b"):
        values = {"g": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    assert Route(template).match(split_path(path)) == values


def test_the_query_is_no_part_of_the_path() -> None:
    assert split_path("/a/b?c=/d") == ["a", "b"]


def test_more_specific_routes_come_first() -> None:
    templates = ["a/{*x}", "a/{x}", "a/{*x:int}", "a/{x:int}", "a/b"]
    ordered = sorted((Route(template) for template in templates), key=lambda r: r.precedence)
    assert [r.template for r in ordered] == ["a/b", "a/{x:int}", "a/{x}", "a/{*x:int}", "a/{*x}"]


@pytest.mark.parametrize(
    "template", ["a/{*x}/b", "a/{x", "a/pre{x}", "a/{x:colour}", "a/{x:length(a)}", "a/{x:min()}"]
)
def test_refuses_what_it_cannot_match(template: str) -> None:
    with pytest.raises(StartError, match="Route "):
        Route(template)
