"""The catalogue: complete, found by what services really say, and the page is made of it."""

import re
import tomllib
from pathlib import Path

import pytest

from scripts.troubleshooting import PAGE, page
from shared.catalogue import entries, entry, explain
from shared.catalogue.catalogue import FILES

PROJECT = PAGE.parents[1]
SAID: dict[str, str] = tomllib.loads(Path(__file__).with_name("said.toml").read_text("utf-8"))


@pytest.mark.parametrize(("code", "said"), SAID.items(), ids=SAID)
def test_what_a_service_says_finds_its_entry(code: str, said: str) -> None:
    found = explain(said)
    assert found
    assert found.code == code


def test_every_entry_that_names_a_service_s_words_is_found_by_them() -> None:
    assert {one.code for one in entries().values() if one.matches} == SAID.keys()
    for one in entries().values():
        for match in one.matches:
            found = explain(f"It failed: {match}.")
            assert found
            assert found.code == one.code, match


@pytest.mark.parametrize(
    "said", ["", "All is well", "0x12345678", "DuplicateDetection", "x8005E2721"]
)
def test_nothing_is_made_of_what_nobody_knows(said: str) -> None:
    assert explain(said) is None


def test_there_are_the_forty_errors_of_the_product_and_more() -> None:
    services = [one for one in entries().values() if one.part in {"mailbox", "item"}]
    assert len(services) >= 40
    assert len(entries()) >= 80


def test_a_code_stands_once_and_what_the_app_refuses_with_is_there() -> None:
    catalogue = PROJECT / "shared" / "catalogue"
    headings = [
        line.strip("[]") for part in FILES
        for line in (catalogue / f"{part}.toml").read_text("utf-8").splitlines()
        if line.startswith("[") and line.endswith("]")
    ]  # fmt: skip
    assert sorted(headings) == sorted(entries())
    sources = (file.read_text("utf-8") for file in (PROJECT / "shared").rglob("*.py"))
    refused = {code for text in sources for code in re.findall(r'Refusal\(\s*"([^"]+)"', text)}
    assert len(refused) > 10
    assert refused <= entries().keys()


def test_a_code_is_asked_for_by_name() -> None:
    assert entry("address-not-approved").remedy == "choose Approve Email on the mailbox"
    with pytest.raises(KeyError):
        entry("no-such-trouble")


def test_the_page_is_made_of_the_catalogue() -> None:
    assert PAGE.read_text("utf-8") == page(), "run make docs"
