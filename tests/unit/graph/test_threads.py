import base64

import pytest

from sandbox.clock import Clock
from sandbox.graph import threads
from sandbox.graph.mailboxes import Mailboxes
from sandbox.store import Document, Store
from sandbox.tenant import make_tenant

TENANT = make_tenant(2)


@pytest.fixture
def mailboxes() -> Mailboxes:
    return Mailboxes(TENANT, Store(), Clock())


def deliver(mailboxes: Mailboxes, person: int, name: str, **headers: str) -> Document:
    head = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    raw = f"Message-ID: <{name}@x>\r\n{head}\r\n".encode()
    return mailboxes.mailbox(TENANT.people[person].upn).deliver(raw)


def index(message: Document) -> bytes:
    return base64.b64decode(message["conversationIndex"])


def test_a_reply_adds_five_bytes_to_its_parent_and_shares_the_conversation(
    mailboxes: Mailboxes,
) -> None:
    first = deliver(mailboxes, 0, "a", Subject="Offer")
    second = deliver(mailboxes, 0, "b", In_Reply_To="<a@x>", Subject="Something else")
    third = deliver(mailboxes, 0, "c", References="<a@x> <b@x>")
    assert [len(index(one)) for one in (first, second, third)] == [22, 27, 32]
    assert index(third).startswith(index(second))
    assert first["conversationId"] == second["conversationId"] == third["conversationId"]


def test_the_same_subject_alone_is_another_conversation(mailboxes: Mailboxes) -> None:
    first = deliver(mailboxes, 0, "a", Subject="Offer")
    other = deliver(mailboxes, 0, "b", Subject="RE: Offer")
    assert first["conversationId"] != other["conversationId"]


def test_a_thread_has_one_root_in_every_mailbox_whatever_came_there(mailboxes: Mailboxes) -> None:
    first = deliver(mailboxes, 0, "a")
    elsewhere = deliver(mailboxes, 1, "c", References="<a@x> <b@x>", In_Reply_To="<b@x>")
    assert index(elsewhere)[:22] == index(first)
    assert first["conversationId"] != elsewhere["conversationId"]


def test_a_thread_index_header_is_taken_as_it_is(mailboxes: Mailboxes) -> None:
    stated = base64.b64encode(b"\x01" + bytes(range(26))).decode()
    assert deliver(mailboxes, 0, "a", Thread_Index=stated)["conversationIndex"] == stated


@pytest.mark.parametrize("header", ["", "%%%", "AAAA", base64.b64encode(bytes(23)).decode()])
def test_what_is_no_thread_index(header: str) -> None:
    assert threads.from_thread_index(header) is None


def test_a_mail_that_answers_itself_is_a_root(mailboxes: Mailboxes) -> None:
    assert len(index(deliver(mailboxes, 0, "a", Subject="loop"))) == 22
