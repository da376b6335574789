"""Who the addresses on a mail are, and whose it becomes (server-side-sync.md 2.5, 2.6)."""

from collections.abc import Sequence

import pytest

from shared.dataverse.activities import Party, Role
from shared.dataverse.records import Record, Table, records_by_address, records_with
from shared.graph.items import Address
from shared.graph.messages import Message
from shared.sync.addresses import the_record
from shared.sync.mail.parties import addresses_of, owner_of, parties_of
from tests.unit.app.snapshots import CASEY, ME, address, message, record

SENDER = Message.model_validate({"id": "x", "from": address(CASEY)}).from_address
assert SENDER is not None


def found(rows: Sequence[Record]) -> Record | None:
    assert SENDER is not None
    return the_record(SENDER, {CASEY: rows}, ME)


def test_a_sender_is_looked_for_in_the_tables_order() -> None:
    rows = [record(table, 9 - place) for place, table in enumerate(Table)]
    assert list(Table) == ["systemuser", "contact", "account", "lead", "queue"]
    while rows:
        assert found(list(reversed(rows))) == rows[0]
        rows = rows[1:]


def test_within_a_table_the_first_created_wins() -> None:
    older, newer = record(Table.CONTACT, 1), record(Table.CONTACT, 2)
    assert found([newer, older]) == older


def test_a_row_of_the_mailbox_s_owner_wins_over_table_and_age() -> None:
    own = record(Table.LEAD, 9, owner=ME)
    assert found([record(Table.CONTACT), own]) == own


def test_of_several_only_active_rows_count_a_single_one_always() -> None:
    asleep = record(Table.CONTACT, 1, active=False)
    awake = record(Table.LEAD, 2)
    assert found([asleep, awake]) == awake
    assert found([asleep]) == asleep
    assert found([asleep, record(Table.LEAD, 2, active=False)]) is None


@pytest.mark.parametrize(("count", "known"), [(100, True), (101, False)])
def test_more_than_a_hundred_rows_are_nobody_in_particular(count: int, *, known: bool) -> None:
    rows = [record(Table.CONTACT, number) for number in range(count)]
    assert (found(rows) is not None) is known


def test_an_address_is_known_in_any_case() -> None:
    upper = Address.model_validate(address(CASEY.upper()))
    assert the_record(upper, {CASEY: [record(Table.CONTACT)]}, ME) == record(Table.CONTACT)


def test_a_recipient_is_every_active_row_that_matches() -> None:
    rows = [record(Table.CONTACT), record(Table.ACCOUNT), record(Table.LEAD, active=False)]
    mail = message(**{"from": None, "toRecipients": [address(CASEY, "Casey")]})
    assert parties_of(mail, {CASEY: rows}, ME) == (
        Party(Role.TO, CASEY, "Casey", rows[0]),
        Party(Role.TO, CASEY, "Casey", rows[1]),
    )


def test_an_unknown_address_takes_part_without_a_row() -> None:
    mail = message(ccRecipients=[address("who@nowhere.example", "Who")], toRecipients=[])
    assert parties_of(mail, {}, ME) == (
        Party(Role.FROM, CASEY, ""),
        Party(Role.CC, "who@nowhere.example", "Who"),
    )


def test_a_recipient_with_neither_name_nor_address_is_left_out() -> None:
    mail = message(**{"from": None, "toRecipients": [address(""), address("", "Only a name")]})
    assert parties_of(mail, {}, ME) == (Party(Role.TO, "", "Only a name"),)


def test_an_address_named_twice_in_one_role_is_one_party_in_two_roles_two() -> None:
    mail = message(
        **{"from": None, "toRecipients": [address(CASEY)] * 2, "ccRecipients": [address(CASEY)]}
    )
    assert [party.role for party in parties_of(mail, {}, ME)] == [Role.TO, Role.CC]


def test_every_address_is_asked_about_once_in_lower_case() -> None:
    mail = message(
        toRecipients=[address("B@x"), address("b@X")],
        ccRecipients=[address("C@x")],
        bccRecipients=[address("D@x"), address("")],
    )
    assert addresses_of(mail) == {CASEY, "b@x", "c@x", "d@x"}


def test_disabled_users_are_never_found() -> None:
    row = {
        "systemuserid": "u1", "internalemailaddress": CASEY.upper(),
        "createdon": "2026-11-02T08:00:00Z", "isdisabled": False,
    }  # fmt: skip
    ((known_as, user),) = records_by_address(Table.SYSTEMUSER, [row, {**row, "isdisabled": True}])
    assert known_as == CASEY
    assert (user.id, user.owner, user.active) == ("u1", "u1", True)


def test_a_row_is_found_under_each_of_its_addresses() -> None:
    row = {
        "contactid": "c1", "createdon": "2026-11-02T08:00:00Z", "statecode": 1,
        "_ownerid_value": "u1",
        "emailaddress1": "A@x", "emailaddress2": None, "emailaddress3": "b@x",
    }  # fmt: skip
    found = dict(records_by_address(Table.CONTACT, [row]))
    assert set(found) == {"a@x", "b@x"}
    assert not found["a@x"].active


def test_an_address_no_column_can_hold_is_not_asked_about() -> None:
    assert not any(records_with({"x" * 101}).values())
    assert all(records_with({"x" * 100}).values())


ADA, GRACE, ALAN = (record(Table.SYSTEMUSER, number) for number in range(3))


def to(*users: Record) -> list[Party]:
    return [Party(Role.TO, f"{user.id}@x", "", user) for user in users]


def owner(parties: list[Party], *, outgoing: bool = False, correlated: str = "") -> str:
    return owner_of(parties, outgoing=outgoing, correlated_owner=correlated, otherwise="mailbox")


def test_outgoing_mail_is_its_sender_s() -> None:
    sender = Party(Role.FROM, "a@x", "", GRACE)
    assert owner([sender, *to(ADA)], outgoing=True) == GRACE.id
    customer = Party(Role.FROM, CASEY, "", record(Table.CONTACT, owner=ADA.id))
    assert owner([customer, *to(ADA)], outgoing=True) == "mailbox"


def test_incoming_mail_is_the_parent_s_owner_s_if_he_is_on_it() -> None:
    assert owner(to(ADA, GRACE), correlated=GRACE.id) == GRACE.id
    assert owner(to(ADA, GRACE), correlated=ALAN.id) == ADA.id


def test_then_the_sender_s_owner_s_if_he_is_on_it() -> None:
    customer = Party(Role.FROM, CASEY, "", record(Table.CONTACT, owner=GRACE.id))
    assert owner([customer, *to(ADA, GRACE)]) == GRACE.id
    assert owner([customer, *to(ADA, GRACE)], correlated=ADA.id) == ADA.id
    assert owner([customer, *to(ADA, ALAN)]) == ADA.id


def test_then_the_first_user_s_on_to_then_cc_and_else_the_mailbox_s() -> None:
    cc = Party(Role.CC, "c@x", "", GRACE)
    assert owner([cc]) == GRACE.id
    assert owner([*to(ADA), cc]) == ADA.id
    assert owner([Party(Role.TO, CASEY, "", record(Table.CONTACT))]) == "mailbox"
    assert owner([]) == "mailbox"
