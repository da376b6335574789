"""`tether parked`: looked at without a trace, sent again, thrown away."""

from datetime import UTC, datetime

import pytest

from shared.bus import PARKED, ServiceBus, parked_body, parked_message
from shared.changes import Change, Hint, decode
from shared.identifiers import ItemId, Kind, MailboxId
from tests.contract.cli.conftest import Office

MAILBOX = MailboxId("8a2d2f3c-0000-4000-8000-000000000001")


def change(item: str, kind: Kind = Kind.MAIL) -> Change:
    return Change(
        id=item,
        mailbox=MAILBOX,
        kind=kind,
        item=ItemId(item),
        hint=Hint.UPDATED,
        noticed=datetime(2026, 11, 1, tzinfo=UTC),
    )


@pytest.fixture
async def parked(office: Office) -> Office:
    """Four parked messages: two mails, a meeting, and what nobody can read."""
    from azure.servicebus.aio import ServiceBusClient  # noqa: PLC0415

    client = ServiceBusClient.from_connection_string(office.services.servicebus.connection_string)
    bus = ServiceBus(client)
    await bus.send(
        PARKED,
        [
            parked_message(change("one"), "prvCreateActivity is missing"),
            parked_message(change("two"), "the mail breaks its batch"),
            parked_message(change("three", Kind.CALENDAR), "prvCreateActivity is missing"),
            parked_body("mail", b"{", "not a change message"),
        ],
    )
    await bus.close()
    return office


async def listed(office: Office, *options: str) -> dict[int, str]:
    said = await office.tether("parked", "list", "--json", *options)
    assert said.code == 0, said.err
    return {one["number"]: one["changes"][0]["item"] if one["changes"] else "" for one in said.json}


def counts(office: Office, queue: str) -> int:
    return int(office.services.servicebus.counts()[queue]["active"])


async def test_they_are_listed_and_filtered(parked: Office) -> None:
    assert list((await listed(parked)).values()) == ["one", "two", "three", ""]
    assert list((await listed(parked, "--kind", "calendar")).values()) == ["three"]
    by_reason = await listed(parked, "--reason", "PRVcreate", "--kind", "mail")
    assert list(by_reason.values()) == ["one"]
    assert list((await listed(parked, "--mailbox", MAILBOX.upper())).values()) == [
        "one", "two", "three",
    ]  # fmt: skip
    assert list((await listed(parked, "--limit", "2")).values()) == ["one", "two"]
    table = (await parked.tether("parked", "list", "--limit", "1")).out.splitlines()
    assert table[0].split("\t") == ["number", "since", "kind", "mailbox", "replayed", "reason"]
    assert table[1].split("\t")[2:] == ["mail", MAILBOX, "0", "prvCreateActivity is missing"]
    assert table[2] == "The first 1; --limit gives more."
    assert counts(parked, PARKED) == 4


async def test_one_is_shown(parked: Office) -> None:
    first, *_, last = await listed(parked)
    shown = (await parked.tether("parked", "show", str(first), "--json")).json
    assert (shown["reason"], shown["changes"][0]["item"]) == (
        "prvCreateActivity is missing", "one",
    )  # fmt: skip
    assert "item\tone" in (await parked.tether("parked", "show", str(first))).out
    assert "it cannot be read" in (await parked.tether("parked", "show", str(last))).out
    none = await parked.tether("parked", "show", "999")
    assert (none.code, none.err) == (
        2, "tether: There is no parked message 999; see tether parked list.\n",
    )  # fmt: skip


async def test_the_named_ones_are_sent_again_and_the_rest_stays(parked: Office) -> None:
    second = list(await listed(parked))[1]
    said = await parked.tether("parked", "replay", str(second), "--yes", "--json")
    assert (said.code, said.json) == (0, {"replayed": [second], "left": 0})
    assert sorted((await listed(parked)).values()) == ["", "one", "three"]
    assert counts(parked, "mail") == 1
    assert counts(parked, PARKED) == 3


async def test_all_of_a_reason_are_sent_again_each_to_its_own_queue(parked: Office) -> None:
    said = await parked.tether("parked", "replay", "--all", "--reason", "prvCreate", "--yes")
    assert (said.code, said.out) == (0, "2 replayed.\n")
    assert (counts(parked, "mail"), counts(parked, "calendar"), counts(parked, PARKED)) == (1, 1, 2)


async def test_what_is_sent_again_is_the_change(parked: Office) -> None:
    from azure.servicebus.aio import ServiceBusClient  # noqa: PLC0415

    first = next(iter(await listed(parked)))
    await parked.tether("parked", "replay", str(first), "--yes")
    connection = parked.services.servicebus.connection_string
    async with (
        ServiceBusClient.from_connection_string(connection) as client,
        client.get_queue_receiver("mail") as receiver,
    ):
        (message,) = await receiver.receive_messages(max_wait_time=5)
        (again,) = decode(b"".join(message.body))
    assert (again.item, again.attempt, again.replays) == ("one", 0, 1)


async def test_what_cannot_be_read_is_left_and_can_be_dropped(parked: Office) -> None:
    said = await parked.tether("parked", "replay", "--all", "--yes")
    assert said.code == 1
    assert said.out == "3 replayed, 1 left: they cannot be read, only dropped.\n"
    assert counts(parked, PARKED) == 1
    dropped = await parked.tether("parked", "drop", "--all", "--yes", "--json")
    assert (dropped.code, len(dropped.json["dropped"])) == (0, 1)
    assert counts(parked, PARKED) == 0


@pytest.mark.parametrize("command", ["replay", "drop"])
async def test_nothing_is_done_unasked_or_without_saying_to_what(
    parked: Office, command: str
) -> None:
    for arguments in ((), ("1", "--all"), ("--all",)):
        said = await parked.tether("parked", command, *arguments)
        assert said.code == 2
    missing = await parked.tether("parked", command, "999", "--yes")
    assert missing.code == 2
    assert "Not all of these numbers are parked" in missing.err
    assert counts(parked, PARKED) == 4
    assert counts(parked, "mail") == 0


async def test_service_bus_is_not_there(parked: Office) -> None:
    parked.changed["ServiceBusConnection"] = (
        "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=Yg==;"
        "UseDevelopmentEmulator=true"
    )
    said = await parked.tether("parked", "list")
    assert said.code == 1
    assert said.err.startswith("tether: Service Bus queue 'parked'")
    assert said.err.count("\n") == 1
