"""What is read of a mail as Graph shows it (graph.md 8)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.graph.messages import Message, read_message, set_categories
from shared.identifiers import ItemId, MailboxId
from tests.unit.app.snapshots import ROOT, address, answers, index, message

MAILBOX = MailboxId("m")


@pytest.mark.parametrize(
    ("header", "message_id"),
    [
        ("<a@x>", "<a@x>"),
        ("  <a@x>  ", "<a@x>"),
        ("Your mail of Monday <a@x> (Casey)", "<a@x>"),
        ("<a@x> <b@x>", "<a@x>"),
        ("a@x", "a@x"),
        ("> <", "> <"),
        ("", ""),
    ],
)
def test_in_reply_to_is_the_first_message_id_in_it(header: str, message_id: str) -> None:
    assert message(singleValueExtendedProperties=answers(header)).in_reply_to == message_id


def test_the_extended_property_s_id_may_be_spelled_in_any_case() -> None:
    given = [{"id": "STRING 0x1042", "value": "<a@x>"}, {"id": "String 0x1035", "value": "<b@x>"}]
    assert message(singleValueExtendedProperties=given).in_reply_to == "<a@x>"


def test_a_mail_has_its_place_in_the_conversation_and_the_root_all_share() -> None:
    reply = message(conversationIndex=index(1, 2))
    assert reply.conversation_root == message().conversation_root == ROOT.hex()
    answered = message(conversationIndex=index(1))
    assert reply.place_in_conversation.startswith(answered.place_in_conversation)
    assert reply.is_reply
    assert not message().is_reply


@pytest.mark.parametrize("given", [None, "", "AAAA", "not base64", base64.b64encode(ROOT[:21])])
def test_an_index_that_is_none_has_no_place(given: str | bytes | None) -> None:
    mail = message(conversationIndex=given.decode() if isinstance(given, bytes) else given)
    assert mail.place_in_conversation == mail.conversation_root == ""
    assert not mail.is_reply


@pytest.mark.parametrize(
    "missing", ["subject", "body", "internetMessageId", "conversationIndex", "importance"]
)
def test_what_graph_leaves_empty_is_empty_text(missing: str) -> None:
    value = {"content": None} if missing == "body" else None
    assert isinstance(message(**{missing: value}), Message)


def test_without_a_from_the_sender_counts() -> None:
    raw = {"id": "x", "sender": address("assistant@x")}
    sender = Message.model_validate(raw).from_address
    assert sender is not None
    assert sender.address == "assistant@x"


@given(st.text(min_size=1))
def test_an_item_s_id_stays_within_its_segment_of_the_path(item: str) -> None:
    path = read_message(MAILBOX, ItemId(item)).url.partition("?")[0]
    assert path.count("/") == 4
    assert path.startswith("/users/m/messages/")


def test_categories_are_replaced_only_in_the_version_that_was_read() -> None:
    request = set_categories(MAILBOX, ItemId("i"), 'W/"1"', ("Red", "Blue"))
    assert request.body == {"categories": ["Red", "Blue"]}
    assert request.headers["If-Match"] == 'W/"1"'
    assert request.headers["Prefer"] == 'IdType="ImmutableId"'
