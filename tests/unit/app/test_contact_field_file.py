"""An organisation's file changes the mapping of contacts; what is wrong in it is named."""

import json
from pathlib import Path

import pytest

from shared.config import read_settings
from shared.sync.contacts.fields import FIELDS, ContactField, Direction, Transform
from tests.unit.app.addressbook import AddressBook
from tests.unit.app.sides import Ground
from tests.unit.app.test_config import GOOD, complaint


def write(folder: Path, content: object) -> str:
    file = folder / "fields.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def fields_of(folder: Path, content: object) -> tuple[ContactField, ...]:
    return read_settings({**GOOD, "CONTACT_FIELDS_FILE": write(folder, content)}).contact_fields


def test_without_a_file_the_mapping_is_the_product_s() -> None:
    assert read_settings(GOOD).contact_fields == FIELDS


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert fields_of(tmp_path, {}) == FIELDS


def test_directions_change_and_fields_come_on_top(tmp_path: Path) -> None:
    fields = fields_of(
        tmp_path,
        {
            "change": [{"column": "description", "direction": "none"}],
            "add": [
                {"outlook": "officeLocation", "column": "new_office", "maxLength": 40},
                {"outlook": "imAddresses", "column": "new_chats", "maxLength": 100},
                {"outlook": "birthday", "column": "new_day", "direction": "toDynamics"},
                {
                    "outlook": "otherAddress.street",
                    "column": "new_street",
                    "maxLength": 9,
                    "transform": "line1",
                },
            ],
        },
    )
    by_column = {field.column: field for field in fields}
    assert by_column["description"].direction is Direction.NONE
    assert by_column["jobtitle"].direction is Direction.BOTH
    assert fields[-4:] == (
        ContactField("officeLocation", "new_office", 40),
        ContactField("imAddresses", "new_chats", 100, Transform.JOINED),
        ContactField("birthday", "new_day", 0, Transform.DAY, Direction.TO_DYNAMICS),
        ContactField("otherAddress.street", "new_street", 9, Transform.LINE_1),
    )


OFFICE = {"outlook": "officeLocation", "column": "new_office", "maxLength": 40}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "it is no JSON"),
        ("[]", "is wrong: "),
        ({"remove": []}, "remove is not known; mend its name or take it out"),
        ({"change": [{"column": "jobtitle"}]}, "change[0].direction is missing; set it"),
        (
            {"change": [{"column": "jobtitle", "direction": "sideways"}]},
            "change[0].direction 'sideways' is wrong: input should be 'both', 'toDynamics'",
        ),
        (
            {"change": [{"column": "lastname", "direction": "none"}]},
            (
                "change[0].column 'lastname' cannot be changed, for the full name is always kept in"
                " step; take the entry out"
            ),
        ),
        (
            {"change": [{"column": "parentcustomerid", "direction": "none"}]},
            "cannot be changed, for the company is always kept in step",
        ),
        (
            {"change": [{"column": "new_office", "direction": "none"}]},
            "change[0].column 'new_office' is no column of the mapping; put a field of your own",
        ),
        (
            {"change": [{"column": "jobtitle", "direction": one} for one in ("none", "both")]},
            "change 'jobtitle' has several entries; leave one",
        ),
        (
            {"add": [OFFICE, {**OFFICE, "column": "new_two", "outlook": "office"}]},
            "add[1].outlook 'office' is no property of a contact; name it as Graph does",
        ),
        ({"add": [{**OFFICE, "column": "jobtitle"}]}, "change its direction under 'change'"),
        ({"add": [{**OFFICE, "column": "fullname"}]}, "for the full name is always kept in step"),
        ({"add": [{**OFFICE, "column": "ownerid"}]}, "is written by Dynamics alone"),
        ({"add": [{**OFFICE, "column": "New Office"}]}, "use its logical name, e.g. new_office"),
        ({"add": [OFFICE, OFFICE]}, "'new_office' has several entries; leave one"),
        ({"add": [{**OFFICE, "maxLength": 0}]}, "add[0].maxLength '0' is wrong: "),
        ({"add": [{**OFFICE, "transform": "upper"}]}, "add[0].transform 'upper' is wrong: "),
        (
            {"add": [{**OFFICE, "transform": "joined"}]},
            "add[0] 'transform' joined is not for a text, which officeLocation is; use text or",
        ),
        (
            {"add": [{"outlook": "officeLocation", "column": "new_office"}]},
            "add[0] 'maxLength' is missing; set it to what the column holds",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_remedy(
    tmp_path: Path, content: object, told: str
) -> None:
    path = write(tmp_path, content)
    text = complaint({**GOOD, "CONTACT_FIELDS_FILE": path})
    assert f"CONTACT_FIELDS_FILE: in {path}, " in text
    assert told in text


def test_a_relative_path_begins_in_the_app_s_folder_and_a_mark_at_the_front_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fields.json").write_bytes(b"\xef\xbb\xbf{}")
    here = str(tmp_path / "fields.json")
    assert read_settings({**GOOD, "CONTACT_FIELDS_FILE": here}).contact_fields == FIELDS
    assert "cannot be read" in complaint({**GOOD, "CONTACT_FIELDS_FILE": "fields.json"})
    assert "pyproject.toml, it is no JSON" in complaint(
        {**GOOD, "CONTACT_FIELDS_FILE": "pyproject.toml"}
    )


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"add": [{**OFFICE, "outlook": "x", "column": "ownerid"}], "x": 1})
    text = complaint({**GOOD, "CONTACT_FIELDS_FILE": path})
    assert all(name in text for name in ("add[0].outlook 'x'", "add[0].column 'ownerid'", "x '1'"))


@pytest.mark.parametrize("path", ["no/such.json", "."])
def test_a_file_that_cannot_be_read_is_named(path: str) -> None:
    text = complaint({**GOOD, "CONTACT_FIELDS_FILE": path})
    assert f"CONTACT_FIELDS_FILE: {path} cannot be read (" in text


async def test_an_added_field_and_a_changed_direction_are_followed(
    ground: Ground, tmp_path: Path
) -> None:
    fields = fields_of(
        tmp_path,
        {
            "change": [
                {"column": "jobtitle", "direction": "toOutlook"},
                {"column": "address2_city", "direction": "toDynamics"},
            ],
            "add": [
                {"outlook": "officeLocation", "column": "externaluseridentifier", "maxLength": 4}
            ],
        },
    )
    book = await AddressBook(ground, fields).open()
    change = await book.saved(
        jobTitle="Buyer", officeLocation="Oslo North", homeAddress={"city": "Oslo"}
    )
    await book.tell(change)
    row = book.row(change)
    assert row.get("jobtitle") is None
    assert (row["externaluseridentifier"], row["address2_city"]) == ("Oslo", "Oslo")


async def test_a_field_added_later_is_told_with_the_next_change(ground: Ground) -> None:
    book = await AddressBook(ground).open()
    change = await book.saved(officeLocation="Oslo", department="East")
    await book.tell(change)
    book.amend(change, department="West")
    book.fields = (*FIELDS, ContactField("officeLocation", "externaluseridentifier", 50))
    book.reconciler = book.instance()
    await book.tell(book.again(change))
    row = book.row(change)
    assert (row["externaluseridentifier"], row["department"]) == ("Oslo", "West")
