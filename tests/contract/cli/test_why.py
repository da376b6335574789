"""`tether why`: one item, both sides, and what to do about it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage
from typer.testing import CliRunner

from cli.clients import Clients, clients_of
from cli.main import app
from shared.bootstrap import reconcilers_by
from shared.bus import PARKED, Message, parked_message, retry_message
from shared.changes import Change
from shared.config import read_settings
from shared.graph.client import GraphRequest
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.tracking.finding import look_at
from tests.contract.cli.conftest import Office, Said
from tests.contract.cli.test_looking import set_row
from tests.system.mails import mail

ADA = "ada@contoso.example"
MARKED = (TRACKED_CATEGORY,)
SECONDS = 5


@dataclass
class Desk:
    """An office in which mail arrives and meetings are made, and the app that reconciles them."""

    office: Office
    clients: Clients

    def deliver(
        self,
        subject: str,
        *,
        person: int = 0,
        categories: Sequence[str] = (),
        folder: str = "inbox",
        message_id: str = "",
        received: datetime | None = None,
    ) -> ItemId:
        mailbox = self.office.services.graph.mailboxes.all()[person]
        raw = mail(subject, to=ADA, message_id=message_id)
        found = mailbox.deliver(raw, folder=folder, categories=list(categories), received=received)
        return ItemId(found["id"])

    async def graph(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        request = GraphRequest(method, f"/users/{self.mailbox()}/{url}", body=body)
        (answer,) = await self.clients.graph.batch([request])
        assert answer.ok, answer.problem
        return answer.body

    def mailbox(self, person: int = 0) -> MailboxId:
        return MailboxId(self.office.services.tenant.people[person].id)

    async def reconcile(self, item: ItemId, kind: Kind = Kind.MAIL, person: int = 0) -> None:
        settings, now = self.clients.settings, self.office.services.surroundings.clock.now
        kinds = reconcilers_by(settings, self.clients.graph, self.clients.dataverse, now)
        change = look_at(self.mailbox(person), kind, item, now())
        await kinds[kind].reconcile([change])

    async def asked(self, *options: str, mailbox: str = ADA) -> Said:
        """Run the command, here: a process takes longer to start than it does to answer."""
        file = self.office.folder / "settings.json"
        await asyncio.to_thread(file.write_text, json.dumps(self.office.settings))
        said = ("why", *options, "--mailbox", mailbox, "--settings", str(file))
        ran = await asyncio.to_thread(CliRunner().invoke, app, said)
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        return Said(ran.exit_code, ran.stdout, ran.stderr)

    async def why(self, *options: str, code: int, mailbox: str = ADA) -> dict[str, Any]:
        said = await self.asked("--json", *options, mailbox=mailbox)
        assert said.code == code, said.err or said.out
        found: dict[str, Any] = said.json
        return found

    async def send(self, queue: str, message: Message) -> None:
        # Only its sender is closed here: the client is the office's.
        async with self.clients.servicebus.get_queue_sender(queue) as sender:
            await sender.send_messages(
                ServiceBusMessage(
                    message.body,
                    message_id=message.id,
                    scheduled_enqueue_time_utc=message.due,
                    application_properties=dict(message.properties.items()),
                )
            )

    def change(self, item: ItemId) -> Change:
        return look_at(
            self.mailbox(), Kind.MAIL, item, self.office.services.surroundings.clock.now()
        )


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[Desk]:
    async with clients_of(read_settings(office.settings), office.settings) as clients:
        yield Desk(office, clients)


async def test_a_mail_that_is_saved_for_two(desk: Desk) -> None:
    one = desk.deliver("Quote 4711", categories=MARKED, message_id="<4711@fabrikam.example>")
    other = desk.deliver(
        "Quote 4711", person=1, categories=MARKED, message_id="<4711@fabrikam.example>"
    )
    await desk.reconcile(one)
    await desk.reconcile(other, person=1)
    found = await desk.why("<4711@fabrikam.example>", code=0)
    assert found["status"]["state"] == "saved"
    assert found["status"]["activity"]["url"].startswith(desk.clients.settings.dataverse_url)
    assert found["item"] | {"when": ""} == {
        "kind": "mail", "id": one, "name": "<4711@fabrikam.example>", "subject": "Quote 4711",
        "when": "", "folder": "Inbox",
    }  # fmt: skip
    assert [(one["address"], one["state"], one["reason"]) for one in found["participants"]] == [
        (ADA, "tracked", "category"), ("grace@contoso.example", "tracked", "category"),
    ]  # fmt: skip
    assert (found["mailbox"]["state"], found["mailbox"]["lacking"]) == ("enabled", [])
    assert (found["trouble"], found["underWay"], found["parked"]) == (None, [], [])
    for run in (desk.asked(one), desk.office.tether("why", "quote 47", "--mailbox", ADA)):
        said = await run
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0] == "Quote 4711: it is in Dynamics: it was given the category"
        assert "folder\tInbox" in lines
        assert "\x1b" not in said.out


@pytest.mark.parametrize(
    ("folder", "marked", "state", "why"),
    [
        ("inbox", False, "notSaved", "it answers no tracked mail and has no category"),
        (
            "archive", False, "notSaved",
            "it is not in the Inbox, answers no tracked mail and has no category",
        ),
        ("deleteditems", True, "notSaved", "moved to Deleted Items"),
    ],
)  # fmt: skip
async def test_a_mail_that_is_not_saved(
    desk: Desk, folder: str, marked: bool, state: str, why: str
) -> None:
    desk.deliver("Hello", folder=folder, categories=MARKED if marked else ())
    found = await desk.why("Hello", code=1)
    assert (found["status"]["state"], found["status"]["why"]) == (state, why)
    assert (found["participants"], found["trouble"]) == ([], None)
    assert TRACKED_CATEGORY in found["remedy"]


async def test_a_draft(desk: Desk) -> None:
    await desk.graph("POST", "messages", {"subject": "Not yet", "categories": list(MARKED)})
    found = await desk.why("Not yet", code=1)
    assert found["item"]["folder"] == "Drafts"
    assert found["status"]["why"] == "a draft is saved once it is sent"
    assert found["remedy"] == "send it first"


async def test_a_mail_that_was_removed_and_then_deleted_in_outlook(desk: Desk) -> None:
    item = desk.deliver("Old offer", categories=MARKED, message_id="<old@fabrikam.example>")
    await desk.reconcile(item)
    await desk.graph("PATCH", f"messages/{item}", {"categories": []})
    apart = await desk.why("Old offer", code=1)
    assert apart["status"]["state"] == "saving"
    (told,) = apart["underWay"]
    assert told.startswith("it is to be taken out of Dynamics, because the category was taken off")
    assert desk.office.services.servicebus.counts()["mail"]["active"] == 0
    await desk.reconcile(item)
    removed = await desk.why("Old offer", code=1)
    assert (removed["status"]["state"], removed["status"]["why"]) == (
        "removed", "the category was taken off in Outlook",
    )  # fmt: skip
    await desk.graph("POST", f"messages/{item}/permanentDelete")
    for name in ("<old@fabrikam.example>", "old OFFER", item):
        gone = await desk.why(name, code=1)
        assert (gone["item"]["id"], gone["item"]["subject"]) == (item, "Old offer")
        assert (gone["status"]["state"], gone["remedy"]) == ("removed", "")


async def test_a_mail_that_dynamics_refuses(desk: Desk) -> None:
    desk.office.fault(
        "dataverse", "POST emails", 400, code="0x80040265", message="the plug-in says no"
    )
    item = desk.deliver("Refused", categories=MARKED)
    await desk.reconcile(item)
    await desk.send(PARKED, parked_message(desk.change(item), "the plug-in says no"))
    found = await desk.why("Refused", code=1)
    assert found["status"]["state"] == "failed"
    assert found["trouble"]["code"] == "customization-aborted"
    assert found["trouble"]["remedy"]
    assert "the plug-in says no" in found["participants"][0]["detail"]
    assert [one["reason"] for one in found["parked"]] == ["the plug-in says no"]
    assert found["underWay"] == []
    said = await desk.asked("Refused")
    assert "trouble\tcustomization-aborted: " in said.out
    assert "https://learn.microsoft.com/" in said.out
    assert f"parked\t{found['parked'][0]['number']}, since " in said.out


async def test_what_is_to_be_tried_again_is_under_way(desk: Desk) -> None:
    item = desk.deliver("Again", categories=MARKED)
    due = desk.office.services.surroundings.clock.now() + timedelta(hours=1)
    await desk.send("mail", retry_message(desk.change(item), due=due))
    found = await desk.why("Again", code=1)
    assert found["status"]["state"] == "saving"
    told = f"a change to it is on the queue, tried 1 times, next {due:%Y-%m-%d %H:%M:%S}"
    assert told in found["underWay"]


async def test_a_mailbox_that_is_not_ready(desk: Desk) -> None:
    ada = desk.office.services.tenant.people[0]
    rows = desk.office.services.dataverse.organization.rows
    (mailbox,) = rows.find("mailbox", "regardingobjectid", ada.systemuserid)
    set_row(desk.office, "mailbox", mailbox, emailrouteraccessapproval=0)
    set_row(desk.office, "tether_mailbox", ada.id, tether_state=2)
    desk.deliver("Waits", categories=MARKED)
    found = await desk.why("Waits", code=1)
    assert found["mailbox"]["state"] == "not enabled"
    (lacking,) = found["mailbox"]["lacking"]
    assert lacking["code"] == "address-not-approved"
    assert lacking["remedy"]
    assert "not ready" in found["status"]["why"]
    said = await desk.asked("Waits")
    assert f"mailbox lacks\taddress-not-approved: {lacking['administrator']}" in said.out


async def test_a_mailbox_that_graph_does_not_show(desk: Desk) -> None:
    item = desk.deliver("Unseen")
    desk.office.fault(
        "graph", "GET /users/{id}/messages*", 403, code="ErrorAccessDenied", times=None
    )
    for name in ("Unseen", item):
        found = await desk.why(name, code=1)
        assert found["status"] is None
        assert found["trouble"]["code"] == "mailbox-not-reachable"
        assert found["mailbox"]["address"] == ADA


async def test_names_that_are_nobodys(desk: Desk) -> None:
    for name in ("Nothing of the kind", "<nothing@fabrikam.example>", "AAkNothing="):
        said = await desk.asked(name)
        assert said.code == 2
        assert said.err.startswith(f"tether: There is nothing named '{name}' in {ADA}")
    said = await desk.asked("Quote", mailbox="nobody@contoso.example")
    assert said.code == 2
    assert "user-not-in-dynamics" in said.err
    assert (await desk.asked(" ")).code == 2


async def test_several_of_that_subject_are_listed_with_what_names_each(desk: Desk) -> None:
    now = desk.office.services.surroundings.clock.now()
    for number in range(12):
        desk.deliver(f"Status {number}", received=now - timedelta(hours=12 - number))
    start = {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"}
    meeting = await desk.graph(
        "POST", "events", {"subject": "Status meeting", "start": start, "end": start}
    )
    found = await desk.why("status", code=2)
    assert len(found["found"]) == 10
    assert found["found"][0]["id"] == meeting["id"]
    said = await desk.asked("Status 1")
    assert said.code == 2
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert lines[0] == ["kind", "when", "subject", "name"]
    assert [line[2] for line in lines[1:]] == ["Status 11", "Status 10", "Status 1"]
    assert "say which" in said.err
    assert (await desk.why(lines[1][3], code=1))["item"]["subject"] == "Status 11"


async def test_a_mail_to_oneself_is_named_by_its_id(desk: Desk) -> None:
    items = [
        desk.deliver("To me", folder=folder, message_id="<me@contoso.example>")
        for folder in ("inbox", "sentitems")
    ]
    said = await desk.asked("To me")
    names = {line.split("\t")[3] for line in said.out.splitlines()[1:]}
    assert names == set(items)


async def test_a_meeting(desk: Desk) -> None:
    body = {
        "subject": "Workshop",
        "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
        "categories": list(MARKED),
    }
    event = await desk.graph("POST", "events", body)
    await desk.reconcile(ItemId(event["id"]), Kind.CALENDAR)
    for name in (event["iCalUId"], event["id"], "Workshop"):
        found = await desk.why(name, code=0)
        assert (found["item"]["kind"], found["item"]["when"]) == (
            "calendar", "2026-12-01T10:00:00+00:00",
        )  # fmt: skip
        assert found["status"]["activity"]["table"] == "appointment"
    assert (await desk.asked("Workshop", "--kind", "mail")).code == 2


async def test_contacts_and_tasks(desk: Desk) -> None:
    await desk.graph("POST", "contacts", {"displayName": "Carla Customer"})
    found = await desk.why("Carla", "--kind", "contacts", code=1)
    assert (found["item"]["subject"], found["status"]["state"]) == ("Carla Customer", "notSaved")
    (todo,) = (await desk.graph("GET", "todo/lists"))["value"]
    task = await desk.graph(
        "POST", f"todo/lists/{todo['id']}/tasks",
        {"title": "Call Carla", "categories": list(MARKED)},
    )  # fmt: skip
    name = f"{todo['id']}~{task['id']}"
    await desk.reconcile(ItemId(name.replace("~", "/")), Kind.TASKS)
    for one in (name, "call carla"):
        found = await desk.why(one, "--kind", "tasks", code=0)
        assert (found["item"]["subject"], found["status"]["activity"]["table"]) == (
            "Call Carla", "task",
        )  # fmt: skip


async def test_two_hundred_mails_cost_no_more_than_one(desk: Desk) -> None:
    for number in range(200):
        desk.deliver(f"Offer {number:03}")
    stats = desk.office.services.surroundings.stats
    stats.reset()
    began = time.monotonic()
    found = await desk.why("Offer 117", code=1)
    assert time.monotonic() - began < SECONDS
    assert found["item"]["subject"] == "Offer 117"
    asked = stats.snapshot()
    assert int(str(asked["graph"]["requests"])) <= 3
    assert int(str(asked["dataverse"]["requests"])) <= 12


async def test_service_bus_is_not_there(desk: Desk) -> None:
    desk.deliver("Still told")
    desk.office.changed["ServiceBusConnection"] = (
        "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=Yg==;"
        "UseDevelopmentEmulator=true"
    )
    found = await desk.why("Still told", code=1)
    assert found["status"]["state"] == "notSaved"
    assert found["queuesUnseen"].startswith("Service Bus queue 'parked'")
