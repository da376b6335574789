"""What the organisation decides about mail: Sent Items, private, encrypted, mail between users."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.dataverse.links import Reason
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.organization import Organization
from shared.dataverse.records import Record, Table
from shared.graph.messages import Message
from shared.identifiers import Kind, activity_id_of_message, activity_id_of_sent
from shared.sync.mail.decide import decide
from shared.sync.mail.policy import MailPolicy, PrivateMail
from shared.sync.plan import Ignore, Track
from shared.tracking.contract import Scope
from shared.tracking.problems import Refusal
from tests.unit.app.front_desk import FrontDesk
from tests.unit.app.office import Office, again, message_id
from tests.unit.app.snapshots import MARKED, answers, email, link, message, record, snapshot

ALL, REPLIES, KNOWN, ANY, NONE = FilteringMethod
SENT_TOO = Organization(tracks_sent=True)
ADA = "ada@contoso.example"
RIGHTS = {"id": "String {00020386-0000-0000-C000-000000000046} Name content-class",
          "value": "rpmsg.message"}  # fmt: skip


def reason(plan: object) -> Reason | None:
    return plan.tracking.reason if isinstance(plan, Track) else None


def ignored(plan: object) -> Ignore:
    assert isinstance(plan, Ignore), plan
    return plan


def with_properties(*properties: Mapping[str, str], **stated: Any) -> Message:  # noqa: ANN401
    return message(singleValueExtendedProperties=list(properties), **stated)


@pytest.mark.parametrize(
    ("method", "recipient", "expected"),
    [
        (ALL, None, Reason.FILTER), (REPLIES, Table.CONTACT, None),
        (KNOWN, Table.CONTACT, Reason.FILTER), (KNOWN, Table.SYSTEMUSER, None), (KNOWN, None, None),
        (ANY, Table.SYSTEMUSER, Reason.FILTER), (ANY, None, None), (NONE, Table.CONTACT, None),
    ],
)  # fmt: skip
def test_sent_items_follow_the_personal_option_if_the_organisation_says_so(
    method: FilteringMethod, recipient: Table | None, expected: Reason | None
) -> None:
    records: Mapping[str, Sequence[Record]] = {ADA: [record(recipient)]} if recipient else {}
    sent = message(parentFolderId="sentitems")
    told = snapshot(sent, filtering=method, records=records, organization=SENT_TOO)
    assert reason(decide(told)) is expected
    assert reason(decide(snapshot(sent, filtering=method, records=records))) is None


def test_the_sender_of_sent_mail_lets_nothing_in() -> None:
    sent = message(parentFolderId="sentitems")
    records = {"casey@customer.example": [record(Table.CONTACT)]}
    plan = decide(snapshot(sent, filtering=KNOWN, records=records, organization=SENT_TOO))
    assert ignored(plan).why == "no recipient is a known lead, contact or account"


def test_a_sent_reply_is_tracked_with_them() -> None:
    mail = with_properties(*answers("<0@contoso.example>"), parentFolderId="sentitems")
    known = email("<0@contoso.example>")
    assert reason(decide(snapshot(mail, answered=known, organization=SENT_TOO))) is Reason.REPLY
    why = ignored(decide(snapshot(mail, answered=known))).why
    assert why == "mail in sentitems is tracked only by the category"


@pytest.mark.parametrize("sensitivity", ["1", "2", "3"])
@pytest.mark.parametrize("private", PrivateMail)
@pytest.mark.parametrize("marked", [False, True])
def test_private_mail_goes_by_the_setting(
    sensitivity: str, private: PrivateMail, *, marked: bool
) -> None:
    mail = with_properties(
        {"id": "Integer 0x36", "value": sensitivity}, categories=MARKED if marked else ()
    )
    plan = decide(snapshot(mail, filtering=ALL, policy=MailPolicy(private)))
    if private is PrivateMail.AUTOMATIC:
        assert reason(plan) is Reason.FILTER
    elif private is PrivateMail.NEVER:
        assert ignored(plan).excluded
    elif marked:
        assert reason(plan) is Reason.CATEGORY
    else:
        assert plan == Ignore("it is private, and has no category")


@pytest.mark.parametrize(
    ("message_class", "out"),
    [("IPM.Note", False), ("IPM.Note.SMIME", True), ("ipm.note.smime", True),
     ("IPM.Note.SMIME.MultipartSigned", False)],
)  # fmt: skip
def test_what_smime_encloses_never_comes_in_what_it_signs_does(
    message_class: str, *, out: bool
) -> None:
    mail = with_properties({"id": "String 0x1a", "value": message_class}, categories=MARKED)
    plan = decide(snapshot(mail, filtering=ALL))
    assert (isinstance(plan, Ignore) and plan.excluded) is out


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("said", [RIGHTS, {"id": "String 0x001A", "value": "IPM.Note.rpmsg.x"}])
def test_rights_managed_mail_comes_in_unless_the_organisation_restricts_it(
    said: Mapping[str, str], *, restricted: bool
) -> None:
    told = snapshot(
        with_properties(said),
        filtering=ALL,
        organization=Organization(keeps_out_rights_managed=restricted),
    )
    assert (reason(decide(told)) is None) is restricted


def test_what_is_in_dynamics_already_stays() -> None:
    mail = with_properties({"id": "String 0x1a", "value": "IPM.Note.SMIME"}, categories=MARKED)
    assert type(decide(snapshot(mail, link=link()))).__name__ == "Keep"


def test_a_meeting_message_is_kept_out_by_no_rule_that_people_could_not_overrule() -> None:
    invitation = message(**{"@odata.type": "#microsoft.graph.eventMessageRequest"})
    assert not ignored(decide(snapshot(invitation, filtering=ALL))).excluded


async def internal(office: Office) -> tuple[Any, Any]:
    """Let Ada write to Grace; both copies are marked."""
    ada, grace = (mailbox.person.upn for mailbox in office.graph.mailboxes.all()[:2])
    headers = {"From": ada, "To": grace}
    sent = office.mail(1, folder="sentitems", headers=headers)
    received = office.mail(1, person=1, headers=headers)
    office.mark(sent)
    return sent, received


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("sent_first", [False, True])
@pytest.mark.parametrize("two", [False, True])
async def test_mail_between_users_is_one_activity_or_two(
    office: Office, *, two: bool, sent_first: bool, together: bool
) -> None:
    office.dataverse.decide(two_activities=two)
    sent, received = await internal(office)
    changes = [sent, received] if sent_first else [received, sent]
    for batch in [changes] if together else [[one] for one in changes]:
        outcome = await office.reconciler.reconcile(batch)
        assert not outcome.failed
    directions = {key: row["directioncode"] for key, row in office.dataverse.rows("email").items()}
    one = activity_id_of_message(message_id(1))
    if two:
        assert directions == {one: False, activity_id_of_sent(message_id(1)): True}
    else:
        assert directions == {one: True}
    tied = [row["tether_emailid"]["id"] for row in office.dataverse.rows("tether_link").values()]
    assert set(tied) == set(directions)


async def test_an_item_stays_with_its_activity_when_the_option_changes(office: Office) -> None:
    office.dataverse.decide(two_activities=False)
    sent, received = await internal(office)
    await office.reconciler.reconcile([sent, received])
    office.dataverse.decide(two_activities=True)
    outcome = await office.reconciler.reconcile([again(sent), again(received)])
    assert [type(end.plan).__name__ for end in outcome.settled] == ["Keep", "Keep"]
    assert len(office.dataverse.rows("email")) == 1


async def test_mail_from_outside_is_one_activity_whatever_the_option(office: Office) -> None:
    await office.reconciler.reconcile([office.mail(1), office.mail(1, person=1)])
    assert len(office.dataverse.rows("email")) == 1


async def test_encrypted_and_private_mail_as_it_comes_in(office: Office) -> None:
    """Through the sandbox's own reading of the headers."""
    enclosed = {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data"}
    changes = [
        office.mail(1, headers=enclosed),
        office.mail(2, headers={"Sensitivity": "Private"}),
        office.mail(3, headers={"Content-Class": "rpmsg.message"}),
        office.mail(4, headers={"Sensitivity": "Company-Confidential"}),
    ]
    await office.reconciler.reconcile(changes)
    assert office.subjects() == {"Mail 3"}
    office.dataverse.choose(
        orgdborgsettings="<OrgSettings><RestrictIRMEmailItems>true</RestrictIRMEmailItems>"
        "</OrgSettings>"
    )
    rights = office.mail(5, headers={"Content-Class": "rpmsg.message"})
    (end,) = (await office.reconciler.reconcile([rights])).settled
    assert ignored(end.plan).excluded


async def test_who_sent_a_mail_does_not_remove_what_its_reader_saved(office: Office) -> None:
    office.dataverse.decide(two_activities=True)
    sent, received = await internal(office)
    await office.reconciler.reconcile([received])
    office.now += timedelta(hours=1)
    await office.reconciler.reconcile([sent])
    desk = FrontDesk(Kind.MAIL, office.graph, office.dataverse, office.reconciler)
    people = [mailbox.id for mailbox in office.graph.mailboxes.all()]
    with pytest.raises(Refusal, match="not-allowed-to-remove"):
        await desk.remove(people.index(sent.mailbox), sent.item, scope=Scope.ALL)
    assert len(office.dataverse.rows("email")) == 2
