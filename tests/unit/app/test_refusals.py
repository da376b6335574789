"""What Dynamics will never take is given up on alone, and Outlook and Dynamics both say so."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from shared.bus import PARKED
from shared.changes import decode
from shared.dataverse.batch import ChangeSet, Operation, Response
from shared.dataverse.client import Dataverse
from shared.dataverse.links import LinkState, Reason
from shared.graph.items import TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY
from shared.identifiers import Kind
from shared.sync.plan import Ignore
from shared.sync.settling import settle
from tests.unit.app.office import NOW, Office, again, message_id

INVALID = Response(400, {"error": {"code": "0x80040203", "message": "no such value"}})
TOO_LONG = Response(414)
PLUG_IN, DUPLICATE = "0x80040265", "0x80040237"
NO = "the plug-in says no"


class Poisoned:
    """A Dataverse that cannot stand questions in which one of `words` occurs."""

    def __init__(
        self, dataverse: Dataverse, words: Sequence[str], answer: Response | Exception
    ) -> None:
        self._dataverse = dataverse
        self._words = words
        self._answer = answer
        self.round_trips = 0

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        self.round_trips += 1
        answers = await self._dataverse.batch(parts)
        return [
            self._poison() if self._is_about_them(part) else answer
            for part, answer in zip(parts, answers, strict=True)
        ]

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        return await self._dataverse.read_all(path)

    def _is_about_them(self, part: Operation | ChangeSet) -> bool:
        return isinstance(part, Operation) and any(
            word in unquote(part.path) for word in self._words
        )

    def _poison(self) -> Response:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (INVALID, "Dataverse 400 0x80040203: no such value"),
        (TOO_LONG, "Dataverse 414"),
        (KeyError("unheard of"), "KeyError: 'unheard of'"),
    ],
    ids=["invalid", "too long", "unexpected"],
)
@pytest.mark.parametrize("poisoned", [(1,), (7,), (3, 4), (1, 2, 3, 4, 5, 6, 7)])
async def test_a_poisoned_mail_is_parked_alone_its_neighbours_are_tracked(
    office: Office, answer: Response | Exception, reason: str, poisoned: tuple[int, ...]
) -> None:
    words = [message_id(number) for number in poisoned]
    reconciler = office.instance(dataverse=Poisoned(office.dataverse, words, answer))
    outcome = await reconciler.reconcile([office.mail(number) for number in range(1, 8)])
    healthy = [number for number in range(1, 8) if number not in poisoned]
    assert sorted(end.change.id for end in outcome.settled) == [f"0/{n}" for n in healthy]
    assert sorted(end.change.id for end in outcome.impossible) == [f"0/{n}" for n in poisoned]
    assert all(reason in end.reason for end in outcome.impossible)
    assert not outcome.failed
    assert office.subjects() == {f"Mail {number}" for number in healthy}


async def test_a_poisoned_mail_is_found_by_halving(office: Office) -> None:
    """Three round trips make a round here; one by one, 64 mails would take two hundred."""
    changes = [office.mail(number) for number in range(64)]
    poisoned = Poisoned(office.dataverse, [message_id(21)], INVALID)
    outcome = await office.instance(dataverse=poisoned).reconcile(changes)
    assert [end.change.id for end in outcome.impossible] == ["0/21"]
    assert poisoned.round_trips < 40


async def test_what_passes_halves_nothing(office: Office) -> None:
    busy = Response(503, retry_after=8)
    poisoned = Poisoned(office.dataverse, [message_id(1)], busy)
    changes = [office.mail(number) for number in range(4)]
    outcome = await office.instance(dataverse=poisoned).reconcile(changes)
    assert [failed.retry_after for failed in outcome.failed] == [8.0] * 4
    assert not outcome.impossible
    assert poisoned.round_trips == 2  # whose mailbox it is, and the look-up


@pytest.mark.parametrize("by_a_person", [False, True])
async def test_a_refused_mail_keeps_only_the_category_a_person_put_on(
    office: Office, *, by_a_person: bool
) -> None:
    change = office.mail(1)
    if by_a_person:
        office.mark(change)
    office.fault("dataverse", "POST emails", 400, code=PLUG_IN, message=NO)
    outcome = await office.reconciler.reconcile([change, office.mail(2)])
    assert [end.reason for end in outcome.impossible] == [f"Dataverse 400 {PLUG_IN}: {NO}"]
    assert office.subjects() == {"Mail 2"}
    assert office.categories(change) == (
        [TRACKED_CATEGORY] if by_a_person else [UNDELIVERABLE_CATEGORY]
    )
    link = office.links()["Mail 1"]
    assert (link["tether_state"], link.get("tether_emailid")) == (LinkState.FAILED, None)
    assert NO in link["tether_detail"]
    await settle(outcome, Kind.MAIL, office.bus, NOW)
    (parked,) = office.bus.sent[PARKED]
    assert NO in parked.properties["reason"]
    assert not office.bus.sent["mail"]


async def test_other_categories_survive_a_refusal(office: Office) -> None:
    change = office.mail(1)
    mailbox = office.graph.mailboxes.mailbox(change.mailbox)
    mailbox.update(mailbox.message(change.item), {"categories": ["Red"]})
    office.fault("dataverse", "POST emails", 400, code=PLUG_IN)
    await office.reconciler.reconcile([change])
    assert office.categories(change) == ["Red", UNDELIVERABLE_CATEGORY]


async def test_a_refused_mail_is_let_be_until_its_category_asks_again(office: Office) -> None:
    change = office.mail(1)
    office.fault("dataverse", "POST emails", 400, code=PLUG_IN, message=NO)
    await office.reconciler.reconcile([change])
    (end,) = (await office.reconciler.reconcile([again(change)])).settled
    assert isinstance(end.plan, Ignore)
    assert "refused" in end.plan.why
    assert not office.subjects()
    office.mark(change)
    outcome = await office.reconciler.reconcile([again(change)])
    assert not outcome.impossible
    assert office.subjects() == {"Mail 1"}
    assert office.categories(change) == [TRACKED_CATEGORY]
    link = office.links()["Mail 1"]
    assert (link["tether_state"], link["tether_detail"]) == (LinkState.TRACKED, None)
    assert link["tether_reason"] == Reason.CATEGORY


async def test_a_parked_mail_sent_again_from_where_it_was_parked_is_tried_again(
    office: Office,
) -> None:
    office.fault("dataverse", "POST emails", 400, code=PLUG_IN, message=NO)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    await settle(outcome, Kind.MAIL, office.bus, NOW)
    (parked,) = office.bus.sent[PARKED]
    again_outcome = await office.reconciler.reconcile(decode(parked.body))
    assert not again_outcome.impossible
    assert office.subjects() == {"Mail 1"}
    assert office.links()["Mail 1"]["tether_state"] == LinkState.TRACKED


@pytest.mark.parametrize("oops", ["oops", "[]", "1"])
async def test_a_mailbox_whose_row_nobody_can_read_waits_the_others_do_not(
    office: Office, oops: str
) -> None:
    waiting, other = office.mail(1), office.mail(2, person=1)
    rows = office.dataverse.organization.rows
    row = rows.get("tether_mailbox", waiting.mailbox) or {}
    rows.put("tether_mailbox", waiting.mailbox, {**row, "tether_folders": oops})
    outcome = await office.reconciler.reconcile([waiting, other])
    assert [failed.change.id for failed in outcome.failed] == ["0/1"]
    assert not outcome.impossible
    assert office.subjects() == {"Mail 2"}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, DUPLICATE), (500, DUPLICATE), (400, "0x80060892"), (400, "0x80073002")],
)
async def test_a_key_that_exists_is_looked_at_again_however_it_is_said(
    office: Office, status: int, code: str
) -> None:
    change = office.mail(1)
    office.fault("dataverse", "POST emails", status, code=code)
    outcome = await office.reconciler.reconcile([change])
    assert [end.change.id for end in outcome.settled] == ["0/1"]
    assert not outcome.failed
    assert office.subjects() == {"Mail 1"}
    assert office.categories(change) == [TRACKED_CATEGORY]
