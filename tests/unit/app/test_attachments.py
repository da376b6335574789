"""Attachments follow their mail: each once, within the limits, and never at the mail's expense."""

import base64
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from shared.changes import Change
from shared.dataverse.links import LinkState, link_row, links_with_id
from shared.graph.client import GraphRequest, GraphResponse
from shared.identifiers import LinkId
from shared.sync.mail.policy import MailPolicy
from shared.sync.outcome import Outcome
from shared.sync.plan import Keep
from shared.sync.reconcile import Reconciler
from shared.sync.settling import MAX_ATTEMPTS
from tests.unit.app.office import Office, again, message_id

ON = MailPolicy(attachments=True)
PDF = ("offer.pdf", "application/pdf", b"%PDF-1.7")
TABLE = ("prices.csv", "text/csv", b"a;b\n1;2\n")
PROGRAM = ("setup.exe", "application/octet-stream", b"MZ")
CONTENT = "GET /users/{id}/messages/{id}/attachments/{id}/$value"


@pytest.fixture
def reconciler(office: Office) -> Reconciler[Any, Any, Any]:
    return office.instance(policy=ON)


def attached(office: Office) -> dict[str, bytes]:
    """Return the files in Dynamics by name; no name twice."""
    rows = list(office.dataverse.rows("activitymimeattachment").values())
    files = {row["filename"]: base64.b64decode(row["body"]) for row in rows}
    assert len(files) == len(rows)
    return files


def notes(office: Office, subject: str = "Mail 1") -> list[str]:
    return (office.links()[subject]["tether_notes"] or "").splitlines()


def is_done(office: Office, subject: str = "Mail 1") -> bool:
    link = office.links()[subject]
    return link["tether_state"] == LinkState.TRACKED and not link["tether_attachmentspending"]


def settled(outcome: Outcome) -> list[str]:
    assert not outcome.failed
    assert not outcome.impossible
    return [end.change.id for end in outcome.settled]


def at(attempt: int, change: Change) -> Change:
    return again(change).model_copy(update={"attempt": attempt})


async def test_by_default_they_stay_in_outlook(office: Office) -> None:
    outcome = await office.instance().reconcile([office.mail(1, files=[PDF])])
    assert settled(outcome) == ["0/1"]
    assert attached(office) == {}
    assert is_done(office)


@pytest.mark.parametrize(("folder", "status"), [("inbox", 4), ("sentitems", 3)])
async def test_they_follow_a_mail_that_stays_completed(
    office: Office, reconciler: Reconciler[Any, Any, Any], folder: str, status: int
) -> None:
    change = office.mail(1, folder=folder, files=[PDF, TABLE])
    office.mark(change)
    assert settled(await reconciler.reconcile([change])) == ["0/1"]
    assert attached(office) == {"offer.pdf": PDF[2], "prices.csv": TABLE[2]}
    (email,) = office.dataverse.rows("email").values()
    assert (email["statecode"], email["statuscode"], email["attachmentcount"]) == (1, status, 2)
    assert is_done(office)
    assert notes(office) == []


async def test_what_stands_within_the_text_does_not_follow(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["Subject"] = message_id(1), "a@b.example", "Mail 1"
    mail.set_content("<img src='cid:logo'>", subtype="html")
    mail.add_related(b"png", "image", "png", cid="<logo>", disposition="inline")
    mail.make_mixed()
    mail.add_attachment(PDF[2], maintype="application", subtype="pdf", filename=PDF[0])
    change = office.mail(1)
    mailbox = office.graph.mailboxes.mailbox(change.mailbox)
    delivered = mailbox.deliver(mail.as_bytes())
    await reconciler.reconcile([change.model_copy(update={"item": delivered["id"], "etag": None})])
    assert list(attached(office)) == ["offer.pdf"]


async def test_what_the_organisation_refuses_is_named_and_the_rest_follows(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    office.dataverse.choose(maxuploadfilesize=2_000_000, blockedmimetypes="image/svg+xml")
    film = ("film.mp4", "video/mp4", b"." * 2_500_000)
    drawing = ("plan.svg", "image/svg+xml", b"<svg/>")
    change = office.mail(1, files=[PROGRAM, PDF, film, drawing])
    assert settled(await reconciler.reconcile([change])) == ["0/1"]
    assert list(attached(office)) == ["offer.pdf"]
    assert notes(office) == [
        "setup.exe is left out: the organisation takes no files of this kind.",
        "film.mp4 is left out: it has 2.4 MB, and 1.9 MB is the most.",
        "plan.svg is left out: the organisation takes no files of this kind.",
    ]
    assert is_done(office)


async def test_what_dynamics_refuses_all_the_same_is_named_with_its_reason(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    office.fault("dataverse", "POST activitymimeattachments", 400, message="it has a virus")
    assert settled(await reconciler.reconcile([office.mail(1, files=[PDF, TABLE])])) == ["0/1"]
    assert list(attached(office)) == ["prices.csv"]
    (said,) = notes(office)
    assert said.startswith("offer.pdf is left out: ")
    assert "it has a virus" in said
    assert office.dataverse.rows("email").popitem()[1]["statecode"] == 1


async def test_a_mail_that_is_attached_follows_as_one(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Original"
    inner.set_content("Hello")
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["Subject"] = message_id(1), "a@b.example", "Mail 1"
    mail.set_content("See below")
    mail.add_attachment(inner)
    change = office.mail(2)
    delivered = office.graph.mailboxes.mailbox(change.mailbox).deliver(mail.as_bytes())
    await reconciler.reconcile([change.model_copy(update={"item": delivered["id"], "etag": None})])
    assert b"Hello" in attached(office)["Original.eml"]


async def test_where_a_file_is_only_pointed_to_that_is_said(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    change = office.mail(1, files=[PDF])
    mailbox = office.graph.mailboxes.mailbox(change.mailbox)
    message = mailbox.message(change.item)
    contents = mailbox.contents(message)
    kept = [{**one, "@odata.type": "#microsoft.graph.referenceAttachment"}
            for one in contents["attachments"]]  # fmt: skip
    mailbox.replace_contents(message, {**contents, "attachments": kept})
    await reconciler.reconcile([change])
    assert notes(office) == ["offer.pdf is left out: it only says where a file is kept."]


async def test_the_same_mail_in_two_mailboxes_has_them_once(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    first = office.mail(1, files=[PDF, PDF])
    second = office.mail(1, person=1, files=[PDF, PDF])
    assert len(settled(await reconciler.reconcile([first, second]))) == 2
    assert len(office.dataverse.rows("activitymimeattachment")) == 2  # of one name, both kept
    links = office.dataverse.rows("tether_link").values()
    assert [link["tether_attachmentspending"] for link in links] == [False, False]
    third = await office.instance(policy=ON).reconcile([again(first), again(second)])
    assert len(settled(third)) == 2
    assert len(office.dataverse.rows("activitymimeattachment")) == 2


async def test_the_activity_of_another_application_keeps_its_own(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    native = {"subject": "native", "messageid": message_id(1), "directioncode": False}
    office.dataverse.write("POST", "emails", native)
    assert settled(await reconciler.reconcile([office.mail(1, files=[PDF])])) == ["0/1"]
    assert attached(office) == {}


@pytest.mark.parametrize(
    ("service", "operation"),
    [("graph", CONTENT), ("graph", "GET /users/{id}/messages/{id}/attachments"),
     ("dataverse", "POST activitymimeattachments")],
)  # fmt: skip
async def test_what_fails_for_now_comes_back_without_the_mail(
    office: Office, reconciler: Reconciler[Any, Any, Any], service: str, operation: str
) -> None:
    change = office.mail(1, files=[PDF, TABLE])
    office.fault(service, operation, 503, retry_after=9)
    outcome = await reconciler.reconcile([change, office.mail(2)])
    assert [end.change.id for end in outcome.settled] == ["0/2"]
    assert [(one.change.id, one.retry_after) for one in outcome.failed] == [("0/1", 9.0)]
    assert office.subjects() == {"Mail 1", "Mail 2"}
    assert not is_done(office)
    before = office.dataverse.rows("email")
    outcome = await reconciler.reconcile([at(1, change)])
    assert [type(end.plan) for end in outcome.settled] == [Keep]
    assert set(attached(office)) == {"offer.pdf", "prices.csv"}
    assert is_done(office)
    assert office.dataverse.rows("email").keys() == before.keys()


async def test_what_is_over_there_is_not_fetched_again(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    change = office.mail(1, files=[PDF, TABLE])
    office.fault("graph", CONTENT, 503, skip=1)
    await reconciler.reconcile([change])
    assert list(attached(office)) == ["offer.pdf"]
    fetched: list[str] = []
    counting = Noting(office, lambda request: fetched.append(request.url))
    await office.instance(policy=ON, contents=counting).reconcile([at(1, change)])
    assert len(fetched) == 1
    assert set(attached(office)) == {"offer.pdf", "prices.csv"}


async def test_a_process_that_dies_after_the_mail_leaves_them_pending(office: Office) -> None:
    change = office.mail(1, files=[PDF])

    def die(_: GraphRequest) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await office.instance(policy=ON, contents=Noting(office, die)).reconcile([change])
    assert office.subjects() == {"Mail 1"}
    assert not is_done(office)
    assert settled(await office.instance(policy=ON).reconcile([change])) == ["0/1"]
    assert list(attached(office)) == ["offer.pdf"]
    assert is_done(office)


async def test_after_the_last_try_the_link_names_what_is_missing(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    change = office.mail(1, files=[PDF])
    office.fault("graph", CONTENT, 503, message="too busy", times=None)
    outcome = await reconciler.reconcile([at(MAX_ATTEMPTS - 1, change)])
    assert len(outcome.impossible) == 1
    assert office.subjects() == {"Mail 1"}
    assert office.links()["Mail 1"]["tether_state"] == LinkState.TRACKED
    (said,) = notes(office)
    assert said.startswith("offer.pdf is left out: it could not be brought over: ")
    office.fault("graph", "nothing", 503)
    replayed = again(change).model_copy(update={"replays": 1})
    assert len(settled(await reconciler.reconcile([replayed]))) == 1
    assert list(attached(office)) == ["offer.pdf"]
    assert notes(office) == []


async def test_what_there_is_no_time_for_is_looked_at_later(office: Office) -> None:
    def take_a_minute(_: GraphRequest) -> None:
        office.now += timedelta(seconds=61)

    slow = Noting(office, take_a_minute)
    changes = [office.mail(number, files=[PDF]) for number in (1, 2)]
    outcome = await office.instance(policy=ON, contents=slow).reconcile(changes)
    assert sorted(settled(outcome)) == ["0/1", "0/2"]
    assert (is_done(office, "Mail 1"), is_done(office, "Mail 2")) == (True, False)
    looks = [look.change for look in outcome.look_again if look.change.id.startswith("0/2")]
    await office.instance(policy=ON).reconcile(looks)
    assert is_done(office, "Mail 2")
    assert len(office.dataverse.rows("activitymimeattachment")) == 2


async def test_a_mail_with_many_files_takes_several_looks(office: Office) -> None:
    def take_a_while(_: GraphRequest) -> None:
        office.now += timedelta(seconds=31)

    slow = office.instance(policy=ON, contents=Noting(office, take_a_while))
    change = office.mail(1, files=[(f"{number}.pdf", *PDF[1:]) for number in range(5)])
    come: list[int] = []
    while not come or not is_done(office):
        outcome = await slow.reconcile([change])
        settled(outcome)
        come.append(len(attached(office)))
        change = outcome.look_again[-1].change if outcome.look_again else change
    assert come == [2, 4, 5]


async def test_what_is_left_out_is_read_from_the_link(
    office: Office, reconciler: Reconciler[Any, Any, Any]
) -> None:
    await reconciler.reconcile([office.mail(1, files=[PROGRAM, ("b  c.exe", *PROGRAM[1:])])])
    (key,) = office.dataverse.rows("tether_link")
    (answer,) = await office.dataverse.batch(links_with_id([LinkId(key)]))
    link = link_row(answer.body["value"][0])
    assert [one.partition(" is left out")[0] for one in link.notes] == ["setup.exe", "b c.exe"]
    assert not link.attachments_pending


class Noting:
    """Graph's contents, of each of which `told` hears first."""

    def __init__(self, office: Office, told: Callable[[GraphRequest], object]) -> None:
        self._graph = office.graph
        self._told = told

    async def content(self, request: GraphRequest) -> bytes | GraphResponse:
        self._told(request)
        return await self._graph.content(request)
