"""`tether why`: one item, both sides, and what to do about it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cli.clients import Clients, clients_of
from shared.bootstrap import reconcilers_by
from shared.config import read_settings
from shared.graph.client import GraphRequest
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.tracking.finding import look_at
from tests.contract.cli.conftest import Office, Said
from tests.system.mails import mail

ADA = "ada@contoso.example"
MARKED = (TRACKED_CATEGORY,)


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
    ) -> ItemId:
        mailbox = self.office.services.graph.mailboxes.all()[person]
        raw = mail(subject, to=ADA, message_id=message_id)
        found = mailbox.deliver(raw, folder=folder, categories=list(categories))
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
        return await self.office.tether("why", *options, "--mailbox", mailbox)

    async def why(self, *options: str, code: int, mailbox: str = ADA) -> dict[str, Any]:
        said = await self.asked("--json", *options, mailbox=mailbox)
        assert said.code == code, said.err or said.out
        found: dict[str, Any] = said.json
        return found

    def links(self) -> list[dict[str, Any]]:
        rows = self.office.services.dataverse.organization.rows
        return [rows.get("tether_link", one) or {} for one in rows.keys("tether_link")]


@asynccontextmanager
async def opened(office: Office) -> AsyncIterator[Desk]:
    async with clients_of(read_settings(office.settings), office.settings) as clients:
        yield Desk(office, clients)


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[Desk]:
    async with opened(office) as desk:
        yield desk


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
    for name in (one, "quote 47"):
        said = await desk.asked(name)
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0] == "Quote 4711: it is in Dynamics: it was given the category"
        assert "folder\tInbox" in lines
        assert "\x1b" not in said.out
