"""Every rule by which a mail is tracked, kept or let go (server-side-sync.md 1 to 3)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.links import LinkState, Reason
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.records import Table
from shared.graph.messages import Folder, Message
from shared.identifiers import activity_id_of_message
from shared.sync.mail.decide import decide
from shared.sync.mail.snapshot import Snapshot
from shared.sync.mail.telling import Telling
from shared.sync.plan import Ignore, Keep, Refuse, Track, Unlink
from tests.unit.app.snapshots import (
    ACCOUNT,
    BEGIN,
    MARKED,
    ME,
    REQUESTS,
    Known,
    address,
    answers,
    companion,
    email,
    index,
    known_as,
    link,
    message,
    record,
    snapshot,
)

ALL, REPLIES, KNOWN, ANY, NONE = FilteringMethod
LATER = BEGIN + timedelta(seconds=1)
PARENT = "<0@contoso.example>"


def reason(plan: object) -> Reason | None:
    return plan.tracking.reason if isinstance(plan, Track) else None


def tracked(plan: object) -> Track[Telling]:
    assert isinstance(plan, Track), plan
    return plan


@pytest.mark.parametrize("name", ["Tracked To Dynamics 365", "tracked to dynamics 365"])
@pytest.mark.parametrize("method", FilteringMethod)
@pytest.mark.parametrize("folder", ["inbox", "sentitems", "junkemail", "archive"])
def test_the_category_tracks_in_any_folder_whatever_the_option(
    name: str, method: FilteringMethod, folder: str
) -> None:
    plan = tracked(
        decide(snapshot(message(categories=[name], parentFolderId=folder), filtering=method))
    )
    assert not plan.mark
    automatic = method is ALL and folder == "inbox"
    assert plan.tracking.reason is (Reason.FILTER if automatic else Reason.CATEGORY)


@pytest.mark.parametrize("other", ["Tracked", "Tracked To Dynamics 365 (Undeliverable)", "Red"])
def test_another_category_does_not(other: str) -> None:
    assert isinstance(decide(snapshot(message(categories=[other]))), Ignore)


@pytest.mark.parametrize(
    ("method", "senders"),
    [
        (ALL, {None, *Table}),
        (REPLIES, set()),
        (KNOWN, {Table.CONTACT, Table.ACCOUNT, Table.LEAD}),
        (ANY, set(Table)),
        (NONE, set()),
    ],
)
@pytest.mark.parametrize("sender", [None, *Table])
@pytest.mark.parametrize("folder", ["inbox", "archive", "my own", *Folder])
def test_the_personal_option_decides_on_mail_directly_in_the_inbox(
    method: FilteringMethod, senders: set[Table | None], sender: Table | None, folder: str
) -> None:
    records = known_as(record(sender)) if sender else {}
    plan = decide(snapshot(message(parentFolderId=folder), filtering=method, records=records))
    expected = Reason.FILTER if sender in senders and folder == "inbox" else None
    assert reason(plan) is expected


def test_what_is_tracked_by_itself_gets_the_category() -> None:
    assert tracked(decide(snapshot(message(), filtering=ALL))).mark


REPLY: dict[str, Any] = {"singleValueExtendedProperties": answers(PARENT)}


@pytest.mark.parametrize(
    ("method", "expected"),
    [(ALL, Reason.FILTER), (REPLIES, Reason.REPLY), (KNOWN, Reason.REPLY), (ANY, Reason.REPLY),
     (NONE, None)],
)  # fmt: skip
def test_a_reply_to_tracked_mail_is_tracked_unless_nothing_is(
    method: FilteringMethod, expected: Reason | None
) -> None:
    plan = decide(snapshot(message(**REPLY), filtering=method, answered=email(PARENT)))
    assert reason(plan) is expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("inbox", True), ("archive", True), ("my own", True), ("sentitems", False),
     ("junkemail", False), ("outbox", False), ("drafts", False), ("deleteditems", False)],
)  # fmt: skip
def test_a_reply_is_tracked_where_mail_is_received(folder: str, *, expected: bool) -> None:
    mail = message(**REPLY, parentFolderId=folder)
    assert isinstance(decide(snapshot(mail, answered=email(PARENT))), Track) is expected


def test_the_option_none_still_lets_a_reply_be_marked() -> None:
    mail = message(**REPLY, categories=MARKED)
    plan = tracked(decide(snapshot(mail, filtering=NONE, answered=email(PARENT))))
    assert plan.tracking.reason is Reason.CATEGORY
    assert plan.telling.content.parent == activity_id_of_message(PARENT)


def test_a_reply_or_forward_is_known_by_its_conversation_index() -> None:
    mail = message(conversationIndex=index(1, 2), subject="FW: Offer")
    plan = tracked(decide(snapshot(mail, companions=[companion(PARENT, 1)])))
    assert plan.tracking.reason is Reason.REPLY
    assert plan.telling.content.parent == activity_id_of_message(PARENT)


def test_the_nearest_ancestor_is_the_parent_and_in_reply_to_goes_before_it() -> None:
    near, far, aside = companion("<near@x>", 1), companion("<far@x>"), companion("<aside@x>", 3)
    mail = message(conversationIndex=index(1, 2))
    by_index = tracked(decide(snapshot(mail, companions=[far, aside, near])))
    assert by_index.telling.content.parent == near.email.id
    named = tracked(decide(snapshot(message(**REPLY), answered=email(PARENT), companions=[near])))
    assert named.telling.content.parent == activity_id_of_message(PARENT)


def test_a_mail_beside_it_tracks_a_reply_but_is_parent_only_if_it_came_before() -> None:
    mail = message(conversationIndex=index(1, 2))
    before = tracked(decide(snapshot(mail, companions=[companion("<aside@x>", 3)])))
    assert before.telling.content.parent == activity_id_of_message("<aside@x>")
    after = tracked(decide(snapshot(mail, companions=[companion("<child@x>", 1, 2, 3)])))
    assert after.telling.content.parent is None


def test_the_first_of_a_conversation_answers_nothing() -> None:
    plan = decide(snapshot(message(), companions=[companion("<child@x>", 1)]))
    assert isinstance(plan, Ignore)
    assert not plan.look_again


def test_a_reply_inherits_what_its_parent_is_regarding() -> None:
    parent = email(PARENT, regarding=ACCOUNT)
    assert (
        tracked(decide(snapshot(message(**REPLY), answered=parent))).telling.content.regarding
        == ACCOUNT
    )


def test_what_an_adopted_activity_is_regarding_is_left_alone() -> None:
    native = email("<1@customer.example>", key="native", regarding=ACCOUNT)
    parent = email(PARENT, regarding=ACCOUNT)
    plan = tracked(decide(snapshot(message(**REPLY), answered=parent, emails=[native])))
    assert plan.telling.content.regarding is None


@pytest.mark.parametrize(("looked_before", "look_again"), [(False, True), (True, False)])
def test_a_reply_whose_parent_is_unknown_gets_one_later_look(
    *, looked_before: bool, look_again: bool
) -> None:
    plan = decide(snapshot(message(**REPLY), looked_before=looked_before))
    assert isinstance(plan, Ignore)
    assert plan.look_again is look_again
    anyway = decide(snapshot(message(**REPLY), filtering=ALL, looked_before=looked_before))
    assert tracked(anyway).look_again is look_again


def test_a_reply_whose_parent_is_known_gets_none() -> None:
    plan = decide(snapshot(message(**REPLY), answered=email(PARENT)))
    assert not tracked(plan).look_again


@pytest.mark.parametrize("categories", [(), MARKED])
def test_a_draft_is_left_until_it_is_sent(categories: tuple[str, ...]) -> None:
    mail = message(isDraft=True, categories=categories, parentFolderId="drafts")
    assert isinstance(decide(snapshot(mail, filtering=ALL)), Ignore)


@pytest.mark.parametrize("kind", ["eventMessageRequest", "eventMessageResponse", "eventMessage"])
def test_a_meeting_message_is_tracked_by_the_category_alone(kind: str) -> None:
    mail = message(**{"@odata.type": f"#microsoft.graph.{kind}"})
    assert isinstance(decide(snapshot(mail, filtering=ALL)), Ignore)
    marked = mail.model_copy(update={"categories": MARKED})
    assert reason(decide(snapshot(marked, filtering=ALL))) is Reason.CATEGORY


@pytest.mark.parametrize(("folder", "outgoing"), [("sentitems", True), ("inbox", False)])
def test_what_lies_in_sent_items_is_outgoing(folder: str, *, outgoing: bool) -> None:
    mail = message(categories=MARKED, parentFolderId=folder)
    assert tracked(decide(snapshot(mail))).telling.content.outgoing is outgoing


def test_a_tracked_mail_whose_category_went_is_let_go() -> None:
    plan = decide(snapshot(message(), link=link()))
    assert plan == Unlink(link(), "the category was taken off in Outlook")


def test_a_tracked_mail_that_is_gone_or_thrown_away_is_let_go() -> None:
    assert decide(snapshot(None, link=link())) == Unlink(link(), "deleted in Outlook")
    thrown = message(parentFolderId="deleteditems", categories=MARKED)
    assert decide(snapshot(thrown, link=link())) == Unlink(link(), "moved to Deleted Items")


@pytest.mark.parametrize("folder", ["inbox", "archive", "my own", "sentitems", "junkemail"])
def test_any_other_move_changes_nothing(folder: str) -> None:
    mail = message(parentFolderId=folder, categories=MARKED)
    plan = decide(snapshot(mail, link=link()))
    assert isinstance(plan, Keep)
    assert plan.activity == "activity"


@pytest.mark.parametrize("method", FilteringMethod)
def test_what_was_taken_out_comes_back_only_when_it_is_marked(method: FilteringMethod) -> None:
    removed = link(LinkState.REMOVED)
    known: Known = {
        "link": removed,
        "answered": email(PARENT),
        "records": known_as(record(Table.CONTACT)),
    }
    plan = decide(snapshot(message(**REPLY), filtering=method, **known))
    assert isinstance(plan, Ignore)
    assert not plan.look_again
    again = tracked(decide(snapshot(message(categories=MARKED), filtering=method, **known)))
    assert again.tracking.reason is Reason.CATEGORY
    assert again.known == removed


@pytest.mark.parametrize(
    ("since", "expected"), [(None, Reason.FILTER), (BEGIN, Reason.FILTER), (LATER, None)]
)
def test_the_filter_lets_in_nothing_that_came_before_the_mailbox_synced(
    since: datetime | None, expected: Reason | None
) -> None:
    plain = snapshot(message(), filtering=ALL)
    older = replace(plain, mailbox=replace(plain.mailbox, sync_from=since))
    assert reason(decide(older)) is expected
    marked = replace(older, message=message(categories=MARKED))
    assert isinstance(decide(marked), Track)


def test_what_dynamics_refused_is_tried_again_only_when_it_is_marked() -> None:
    failed = link(LinkState.FAILED, activity=None)
    assert isinstance(decide(snapshot(message(), filtering=ALL, link=failed)), Ignore)
    again = tracked(decide(snapshot(message(categories=MARKED), link=failed)))
    assert again.tracking.reason is Reason.CATEGORY


@pytest.mark.parametrize(("categories", "unmark"), [(MARKED, True), ((), False)])
def test_an_activity_deleted_in_dynamics_takes_the_category_along(
    categories: tuple[str, ...], *, unmark: bool
) -> None:
    lost = link(activity=None)
    plan = decide(snapshot(message(categories=categories), link=lost))
    assert plan == Unlink(lost, "the activity was deleted in Dynamics", unmark)


@pytest.mark.parametrize("mail", [None, message(), message(parentFolderId="deleteditems")])
def test_what_was_never_tracked_or_is_removed_already_is_not_removed(mail: Message | None) -> None:
    assert isinstance(decide(snapshot(mail)), Ignore)
    assert isinstance(decide(snapshot(mail, link=link(LinkState.REMOVED))), Ignore)


def test_the_activity_of_another_application_is_adopted_the_oldest_of_several() -> None:
    native = [email("<1@customer.example>", key=name) for name in ("older", "newer")]
    plan = tracked(decide(snapshot(message(), filtering=ALL, emails=native)))
    assert plan.telling.existing == native[0]
    assert plan.activity == "older"


def test_without_one_the_activity_has_the_key_of_its_message_id() -> None:
    plan = tracked(decide(snapshot(message(), filtering=ALL)))
    assert plan.telling.existing is None
    assert plan.activity == activity_id_of_message("<1@customer.example>")


texts = st.text(max_size=20)
addresses = st.builds(address, texts, texts)
indexes = st.text(st.characters(codec="ascii"), max_size=40) | st.sampled_from(
    [index(), index(1), index(1, 2)]
)
any_message = st.builds(
    message,
    **{
        "internetMessageId": st.none() | texts,
        "subject": st.none() | texts,
        "body": st.just({"content": None}) | st.none(),
        "from": st.none() | addresses,
        "toRecipients": st.lists(addresses, max_size=2),
        "categories": st.sampled_from([(), MARKED, ("Red",)]),
        "parentFolderId": st.sampled_from([*Folder, "my own"]),
        "isDraft": st.booleans(),
        "receivedDateTime": st.none() | st.just("2026-11-02T08:00:00Z"),
        "conversationIndex": st.none() | indexes,
        "importance": st.none() | st.sampled_from(["low", "high", "odd"]),
        "singleValueExtendedProperties": st.sampled_from([[], answers(PARENT), answers("")]),
    },
)
any_email = st.sampled_from([email(PARENT), email("<1@customer.example>", regarding=ACCOUNT)])
any_snapshot = st.builds(
    snapshot,
    st.none() | any_message,
    filtering=st.sampled_from(FilteringMethod),
    link=st.none()
    | st.builds(
        link, st.sampled_from(LinkState), st.sampled_from(["a", None]), st.sampled_from(REQUESTS)
    ),
    emails=st.lists(any_email, max_size=2),
    answered=st.none() | any_email,
    companions=st.lists(
        st.sampled_from([companion("<a@x>"), companion("<b@x>", 1), companion("<c@x>", 1, 2, 3)]),
        max_size=3,
    ),
    records=st.none() | st.just(known_as(record(Table.CONTACT, owner=ME))),
    looked_before=st.booleans(),
)


@given(any_snapshot)
def test_there_is_a_plan_for_everything_and_always_the_same(given_snapshot: Snapshot) -> None:
    plan = decide(given_snapshot)
    assert plan == decide(given_snapshot)
    if isinstance(plan, Ignore):
        assert plan.why


def test_a_conversation_index_that_is_not_even_ascii_is_none() -> None:
    assert isinstance(decide(snapshot(message(conversationIndex="é"))), Ignore)


@given(any_snapshot)
def test_a_plan_never_asks_for_more_than_one_later_look(given_snapshot: Snapshot) -> None:
    plan = decide(given_snapshot)
    looks = not isinstance(plan, Unlink | Refuse) and plan.look_again
    assert not (looks and given_snapshot.looked_before)
