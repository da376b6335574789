"""What is on the bus comes back as it was; several changes of an item are one piece of work."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import CHANGES_PER_MESSAGE, change_messages, parked_message, retry_message
from shared.changes import Change, Hint, coalesce, decode, encode, message_id
from shared.errors import Malformed
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.seen import SeenVersions

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)

changes = st.builds(
    Change,
    id=st.text(min_size=1, max_size=5),
    mailbox=st.sampled_from(["a", "b"]).map(MailboxId),
    kind=st.just(Kind.MAIL),
    item=st.sampled_from(["1", "2", "3"]).map(ItemId),
    hint=st.sampled_from(Hint),
    noticed=st.integers(0, 5).map(lambda seconds: BEGIN + timedelta(seconds=seconds)),
    etag=st.none() | st.text(),
    attempt=st.integers(0, 9),
    looked_before=st.booleans(),
)
some = st.lists(changes, min_size=1, max_size=8)


def change(number: int = 1, **stated: object) -> Change:
    return Change.model_validate(
        {"id": f"c{number}", "mailbox": "a", "kind": "mail", "item": "1", "hint": "updated",
         "noticed": BEGIN + timedelta(seconds=number), **stated}
    )  # fmt: skip


@given(some)
def test_what_is_sent_is_what_comes(sent: list[Change]) -> None:
    assert list(decode(encode(sent))) == sent


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "the body"),
        (b"[]", "the body"),
        (b'{"version": 2, "changes": []}', "version"),
        (b'{"changes": []}', "changes"),
        (b'{"changes": [{"id": ""}]}', "changes.0.id"),
        (b"\xff", "the body"),
    ],
)
def test_what_is_no_envelope_is_malformed_and_says_where(body: bytes, field: str) -> None:
    with pytest.raises(Malformed, match=f"not a change message: {field}: "):
        decode(body)


@given(st.binary(max_size=50))
def test_garbage_is_malformed_and_nothing_else(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


@given(some)
def test_a_message_s_id_does_not_depend_on_order(some: list[Change]) -> None:
    assert message_id(reversed(some)) == message_id(some)
    assert len(message_id(some)) <= 128


def test_a_message_s_id_tells_attempts_and_later_looks_apart() -> None:
    ids = {
        message_id([change()]),
        message_id([change(attempt=1)]),
        message_id([change(looked_before=True)]),
        message_id([change(2)]),
    }
    assert len(ids) == 4


@given(some)
def test_coalescing_leaves_each_item_once_and_loses_none(some: list[Change]) -> None:
    left = coalesce(some)
    items = [(one.mailbox, one.item) for one in left]
    assert len(set(items)) == len(items)
    assert set(items) == {(one.mailbox, one.item) for one in some}


@given(some)
def test_coalescing_twice_is_coalescing_once(some: list[Change]) -> None:
    assert coalesce(coalesce(some)) == coalesce(some)


@given(some)
def test_the_one_left_has_the_most_attempts_and_waited_longest(some: list[Change]) -> None:
    for left in coalesce(some):
        told = [one for one in some if (one.mailbox, one.item) == (left.mailbox, left.item)]
        assert left.attempt == max(one.attempt for one in told)
        assert left.noticed == min(one.noticed for one in told)
        assert left.looked_before == all(one.looked_before for one in told)


def test_one_that_stands_for_several_names_no_version() -> None:
    first, second = change(1, etag="v1"), change(2, etag="v2")
    assert coalesce([first]) == [first]
    assert [left.etag for left in coalesce([first, second])] == [None]


@given(st.lists(changes, max_size=50))
def test_messages_carry_every_change_once_a_graph_batch_in_each(some: list[Change]) -> None:
    messages = change_messages(some, due=BEGIN)
    carried = [one for message in messages for one in decode(message.body)]
    assert carried == some
    assert all(len(decode(message.body)) <= CHANGES_PER_MESSAGE for message in messages)
    assert all(message.due == BEGIN for message in messages)


def test_a_retry_counts_and_is_another_message() -> None:
    again = retry_message(change(attempt=2, etag="v1"), due=BEGIN)
    assert decode(again.body)[0].attempt == 3
    assert decode(again.body)[0].etag is None
    assert again.id != message_id([change(attempt=2)])


def test_what_is_parked_keeps_its_reason_and_its_place_and_is_ready_to_be_sent_again() -> None:
    parked = parked_message(change(attempt=9, etag="v1", looked_before=True), "x" * 5000)
    assert decode(parked.body) == (change(replays=1, looked_before=True),)
    assert parked.properties == {"reason": "x" * 1024, "kind": "mail", "mailbox": "a"}


def test_a_version_both_sides_agreed_on_tells_nothing_and_any_other_does() -> None:
    seen = SeenVersions()
    seen.note(MailboxId("a"), ItemId("1"), "v1")
    assert seen.tells_nothing(change(etag="v1"))
    assert not seen.tells_nothing(change(etag="v2"))
    assert not seen.tells_nothing(change(etag=None))
    assert not seen.tells_nothing(change(etag="v1", item="2"))
    assert not seen.tells_nothing(change(etag="v1", mailbox="b"))
    assert not seen.tells_nothing(change(etag="v1", looked_before=True))


def test_only_so_many_versions_are_remembered_the_latest_ones() -> None:
    seen = SeenVersions()
    for number in range(20_001):
        seen.note(MailboxId("a"), ItemId(str(number)), "v")
    assert not seen.tells_nothing(change(item="0", etag="v"))
    assert seen.tells_nothing(change(item="1", etag="v"))
    assert seen.tells_nothing(change(item="20000", etag="v"))


def test_what_is_refused_again_after_a_replay_is_parked_once_more() -> None:
    parked = parked_message(change(attempt=9), "refused")
    (replay,) = decode(parked.body)
    again = parked_message(replay.model_copy(update={"attempt": 9}), "refused")
    assert again.id != parked.id
    assert retry_message(replay, due=BEGIN).id != retry_message(change(), due=BEGIN).id
