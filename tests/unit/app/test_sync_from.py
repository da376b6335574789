"""Mail older than the enrolment is let in by a person or by its thread, not by the filter."""

from datetime import timedelta

import pytest

from shared.dataverse.links import Reason
from shared.sync.plan import Ignore
from tests.unit.app.office import Office, again, message_id
from tests.unit.app.sides import ENROLLED

BEFORE = ENROLLED - timedelta(seconds=1)


@pytest.mark.parametrize("person", [0, 1])
async def test_the_filter_begins_with_the_mail_of_the_enrolment(
    office: Office, person: int
) -> None:
    old, new = (office.mail(n, person, received=when) for n, when in enumerate([BEFORE, ENROLLED]))
    outcome = await office.reconciler.reconcile([old, new])
    why = "it arrived before the mailbox was enrolled, and has no category"
    assert [end.plan for end in outcome.settled if isinstance(end.plan, Ignore)] == [Ignore(why)]
    assert office.subjects() == {"Mail 1"}
    assert office.links()["Mail 1"]["tether_reason"] == Reason.FILTER


async def test_the_category_lets_older_mail_in(office: Office) -> None:
    old = office.mail(1, received=BEFORE)
    office.mark(old)
    await office.reconciler.reconcile([again(old)])
    assert office.links()["Mail 1"]["tether_reason"] == Reason.CATEGORY


async def test_answering_tracked_mail_lets_older_mail_in(office: Office) -> None:
    parent = office.mail(1, received=BEFORE - timedelta(hours=1))
    office.mark(parent)
    await office.reconciler.reconcile([again(parent)])
    headers = {"In-Reply-To": message_id(1)}
    reply = office.mail(2, received=BEFORE, headers=headers)
    await office.reconciler.reconcile([reply])
    assert office.links()["Mail 2"]["tether_reason"] == Reason.REPLY
    assert office.parents()["Mail 2"] == "Mail 1"
