"""A conversation tracks its replies as long as one of its mails is in Dynamics, in any mailbox."""

import pytest

from shared.changes import Change
from shared.dataverse.mailboxes import FilteringMethod
from shared.graph.items import TRACKED_CATEGORY
from shared.sync.plan import Ignore, Track
from tests.unit.app.office import Office, again, message_id
from tests.unit.app.sides import Ground
from tests.unit.app.snapshots import index

ACCOUNT = "00000000-0000-4000-8000-00000000ac01"


@pytest.fixture
async def office(ground: Ground) -> Office:
    return await Office(ground).open(FilteringMethod.REPLIES)


def in_thread(office: Office, number: int, person: int, *, names_parent: bool = True) -> Change:
    """Deliver the mail of that number, which answers the one before it, to somebody."""
    headers = {"Thread-Index": index(*range(1, number + 1))}
    if number and names_parent:
        headers["In-Reply-To"] = message_id(number - 1)
    return office.mail(number, person, headers=headers)


def unmark(office: Office, change: Change) -> None:
    mailbox = office.graph.mailboxes.mailbox(change.mailbox)
    message = mailbox.message(change.item)
    kept = [name for name in message["categories"] if name != TRACKED_CATEGORY]
    mailbox.update(message, {"categories": kept})


async def plan_of(office: Office, change: Change) -> object:
    outcome = await office.reconciler.reconcile([change])
    (end,) = [one for one in outcome.settled if one.change == change]
    return end.plan


async def begun(office: Office) -> list[Change]:
    """Begin a conversation in both mailboxes: a mail somebody marked in each, and a reply."""
    first = [in_thread(office, 0, person) for person in (0, 1)]
    for change in first:
        office.mark(change)
    await office.reconciler.reconcile([again(change) for change in first])
    second = [in_thread(office, 1, person) for person in (0, 1)]
    await office.reconciler.reconcile(second)
    assert len(office.dataverse.rows("tether_link")) == 4
    return [*first, *second]


@pytest.mark.parametrize("names_parent", [False, True])
@pytest.mark.parametrize("person", [0, 1])
async def test_it_ends_when_all_its_mails_are_taken_out_in_all_mailboxes(
    office: Office, person: int, *, names_parent: bool
) -> None:
    mails = await begun(office)
    for change in mails:
        unmark(office, change)
    await office.reconciler.reconcile([again(change) for change in mails])
    reply = in_thread(office, 2, person, names_parent=names_parent)
    assert isinstance(await plan_of(office, reply), Ignore)


@pytest.mark.parametrize("kept", range(4))
async def test_it_goes_on_while_one_of_them_stays_wherever_that_is(
    office: Office, kept: int
) -> None:
    mails = await begun(office)
    gone = [change for number, change in enumerate(mails) if number != kept]
    for change in gone:
        unmark(office, change)
    await office.reconciler.reconcile([again(change) for change in gone])
    for person in (0, 1):
        assert isinstance(await plan_of(office, in_thread(office, 2, person)), Track)


async def test_a_mail_marked_again_begins_it_anew(office: Office) -> None:
    mails = await begun(office)
    for change in mails:
        unmark(office, change)
    await office.reconciler.reconcile([again(change) for change in mails])
    office.mark(mails[3])
    assert isinstance(await plan_of(office, again(mails[3])), Track)
    assert isinstance(await plan_of(office, in_thread(office, 2, 0)), Track)


async def test_replies_are_about_what_the_mail_they_answer_is_about(office: Office) -> None:
    await begun(office)
    office.dataverse.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Contoso"})
    about = {"regardingobjectid_account_email@odata.bind": f"accounts({ACCOUNT})"}
    for key, row in office.dataverse.rows("email").items():
        if row["messageid"] == message_id(1):
            office.dataverse.write("PATCH", f"emails({key})", about)
    await office.reconciler.reconcile([in_thread(office, 2, 0)])
    regarding = {
        row["messageid"]: row.get("regardingobjectid")
        for row in office.dataverse.rows("email").values()
    }
    assert regarding[message_id(0)] is None
    assert regarding[message_id(2)] == {"table": "account", "id": ACCOUNT}
