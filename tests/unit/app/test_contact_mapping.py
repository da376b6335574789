"""What a contact says in the columns of its row, whatever Outlook has in it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse.standard_tables import standard_tables
from sandbox.dataverse.values import stored
from shared.graph.contacts import PATHS, Contact, read_contact
from shared.identifiers import ItemId, MailboxId
from shared.sync.contacts.fields import FIELDS, ContactField, Direction, Transform
from shared.sync.contacts.mapping import columns_of, first_address, name_of
from shared.sync.contacts.told import Told

MODIFIED = "2026-11-02T08:00:00Z"
EVERYTHING = [ContactField(one.outlook, one.column, one.length, one.transform) for one in FIELDS]
TEXTS = (
    "displayName", "givenName", "middleName", "surname", "title", "generation", "nickName",
    "yomiGivenName", "yomiSurname", "jobTitle", "department", "manager", "assistantName",
    "spouseName", "mobilePhone", "businessHomePage", "personalNotes", "companyName",
)  # fmt: skip
_text = st.none() | st.text(max_size=20) | st.text("ab \r\n\x00😀\ud800", max_size=3000)
_texts = st.lists(st.text(max_size=60), max_size=6)
_address = st.none() | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("street", "city", "state", "postalCode"), _text)
)
_email = st.fixed_dictionaries(
    {"address": st.none() | st.emails() | st.text(max_size=150), "name": _text}
)
_moment = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
bodies = st.fixed_dictionaries(
    {"id": st.just("item"), "lastModifiedDateTime": st.just(MODIFIED)},
    optional={
        **dict.fromkeys(TEXTS, _text),
        "businessPhones": _texts,
        "homePhones": _texts,
        "children": _texts,
        "emailAddresses": st.lists(_email, max_size=3),
        **dict.fromkeys(("businessAddress", "homeAddress", "otherAddress"), _address),
        "birthday": st.none() | _moment,
    },
)


def contact(**said: object) -> Contact:
    return Contact.model_validate({"id": "item", "lastModifiedDateTime": MODIFIED, **said})


def columns(**said: object) -> dict[str, Any]:
    return {k: v for k, v in columns_of(contact(**said), EVERYTHING, UTC).items() if v}


@given(body=bodies, hours=st.integers(-12, 14))
def test_whatever_it_says_its_columns_take_and_twice_is_the_same(
    body: dict[str, Any], hours: int
) -> None:
    where = timezone(timedelta(hours=hours))
    said = columns_of(Contact.model_validate(body), EVERYTHING, where)
    table = standard_tables()["contact"]
    for column, value in said.items():
        assert value is None or stored(table, table.columns[column], value) == value
    assert columns_of(Contact.model_validate(body), EVERYTHING, where) == said
    told = Told.of(said, "")
    assert Told.read(told.written()) == told
    assert told.news(said) == {}
    assert Told().news(said) == {column: value for column, value in said.items() if value}


@given(text=_text)
def test_what_stands_in_a_column_is_not_mapped_to_anything_else(text: str | None) -> None:
    once = columns(jobTitle=text, personalNotes=text, mobilePhone=text)
    again = columns(
        jobTitle=once.get("jobtitle"),
        personalNotes=once.get("description"),
        mobilePhone=once.get("mobilephone"),
    )
    assert again == once


def test_every_field_has_a_path_of_its_form_and_a_column_of_that_length() -> None:
    table = standard_tables()["contact"]
    for field in FIELDS:
        assert field.transform.takes is PATHS[field.outlook]
        column = table.columns[field.column]
        assert column.type == ("dateonly" if field.transform is Transform.DAY else column.type)
        assert field.length == (column.max_length or 0)
    assert len({field.column for field in FIELDS}) == len(FIELDS)


def test_too_long_a_text_is_cut_but_no_address() -> None:
    assert columns(jobTitle="x" * 101) == {"jobtitle": "x" * 100}
    assert columns(emailAddresses=[{"address": f"{'x' * 90}@long.example"}]) == {}


@pytest.mark.parametrize("address", ["", None, "/o=Exchange/cn=casey", "casey"])
def test_what_is_no_address_is_left_out(address: str | None) -> None:
    assert columns(emailAddresses=[{"address": address, "name": "Casey"}]) == {}
    assert first_address(contact(emailAddresses=[{"address": address}])) == ""


def test_the_first_address_is_the_person_whatever_its_case() -> None:
    two = [{"address": " Casey@Customer.example"}, {"address": "other@customer.example"}]
    assert first_address(contact(emailAddresses=two)) == "casey@customer.example"


@pytest.mark.parametrize(
    ("birthday", "hours", "day"),
    [
        ("1974-07-22T11:59:00Z", 13, "1974-07-22"),
        ("1974-07-22T11:59:00Z", -12, "1974-07-22"),
        ("1974-07-21T22:00:00Z", 2, "1974-07-22"),
        ("1974-07-22T05:00:00Z", -5, "1974-07-22"),
        ("1604-07-22T11:59:00Z", 0, None),
        ("0001-01-01T00:00:00Z", -5, None),
    ],
)
def test_a_birthday_is_a_day(birthday: str, hours: int, day: str | None) -> None:
    where = timezone(timedelta(hours=hours))
    assert columns_of(contact(birthday=birthday), EVERYTHING, where)["birthdate"] == day


def test_without_a_name_it_is_called_what_outlook_calls_it() -> None:
    assert columns(displayName="Fabrikam")["lastname"] == "Fabrikam"
    assert "lastname" not in columns(displayName="Casey C.", givenName="Casey")
    assert name_of(contact()) == "(no name)"


def test_what_is_not_written_to_dynamics_is_not_mapped() -> None:
    fields = [
        ContactField("jobTitle", "jobtitle", 100, direction=direction) for direction in Direction
    ]
    said = [columns_of(contact(jobTitle="Buyer"), [field], UTC) for field in fields]
    assert said == [{"jobtitle": "Buyer"}, {"jobtitle": "Buyer"}, {}, {}]


def test_each_property_is_asked_for_once() -> None:
    request = read_contact(MailboxId("m"), ItemId("a/b="), [one.outlook for one in EVERYTHING])
    path, _, query = request.url.partition("?$select=")
    asked = query.split(",")
    assert path == "/users/m/contacts/a%2Fb%3D"
    assert len(asked) == len({*asked})
    assert {"businessPhones", "homeAddress", "lastModifiedDateTime", "birthday"} <= {*asked}
