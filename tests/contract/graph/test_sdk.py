"""The official SDK, as published, gets on with the service."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.contact import Contact
from msgraph.generated.models.contact_folder import ContactFolder
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event_message_request import EventMessageRequest
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.linked_resource import LinkedResource
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.physical_address import PhysicalAddress
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.models.task_status import TaskStatus
from msgraph.generated.models.todo_task import TodoTask
from msgraph.generated.models.todo_task_list import TodoTaskList
from msgraph.generated.users.item.messages.item.move.move_post_request_body import (
    MovePostRequestBody,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import (
    SendMailPostRequestBody,
)
from msgraph.graph_service_client import GraphServiceClient

from tests.contract.graph.service import Service, mail
from tests.contract.graph.webhook import Webhook

# The SDK's generated modules use its own deprecated names.
pytestmark = [
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated"),
    pytest.mark.filterwarnings("ignore:This class is deprecated. Please use the generic"),
]


def asking(**headers: str) -> RequestConfiguration[Any]:
    collection = HeadersCollection()
    for name, value in headers.items():
        collection.add(name.replace("_", "-"), value)
    return RequestConfiguration(headers=collection)


def addressed(address: str) -> Recipient:
    return Recipient(email_address=EmailAddress(address=address))


IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


async def test_people_and_messages(client: GraphServiceClient, service: Service) -> None:
    people = await client.users.get()
    assert [one.id for one in people.value] == [person.id for person in service.tenant.people]
    item = (await service.deliver(mail()))["id"]
    messages = client.users.by_user_id(service.ada.id).messages
    read = await messages.by_message_id(item).get(asking(**IMMUTABLE))
    assert (read.id, read.subject) == (item, "Offer")
    assert read.from_.email_address.address == "casey@customer.example"
    assert read.received_date_time.tzinfo is not None
    changed = await messages.by_message_id(item).patch(Message(categories=["Blue"], is_read=True))
    assert (changed.categories, changed.is_read) == (["Blue"], True)
    moved = await messages.by_message_id(item).move.post(
        MovePostRequestBody(destination_id="archive")
    )
    assert moved.id != read.id
    await messages.by_message_id(moved.id).delete()
    assert (await messages.by_message_id(item).get()).subject == "Offer"  # in Deleted Items
    await messages.by_message_id(item).delete()
    with pytest.raises(ODataError) as refused:
        await messages.by_message_id(item).get()
    assert refused.value.response_status_code == 404
    assert refused.value.error.code == "ErrorItemNotFound"


async def test_drafts_and_mail_are_sent(client: GraphServiceClient, service: Service) -> None:
    ada = client.users.by_user_id(service.ada.id)
    words = ItemBody(content_type=BodyType.Html, content="<p>Hello</p>")
    draft = await ada.messages.post(
        Message(subject="one", body=words, to_recipients=[addressed(service.grace.upn)])
    )
    assert draft.is_draft
    await ada.messages.by_message_id(draft.id).send.post()
    await ada.send_mail.post(
        SendMailPostRequestBody(
            message=Message(subject="two", body=words, to_recipients=[addressed(service.grace.upn)])
        )
    )
    inbox = client.users.by_user_id(service.grace.id).mail_folders.by_mail_folder_id("inbox")
    assert {one.subject for one in (await inbox.messages.get()).value} == {"one", "two"}


async def test_pages_and_delta_follow_absolute_links(
    client: GraphServiceClient, service: Service
) -> None:
    for number in range(12):
        await service.deliver(mail(f"m{number}"))
    messages = client.users.by_user_id(service.ada.id).messages
    page = await messages.get()
    rest = await messages.with_url(page.odata_next_link).get()
    assert (len(page.value), len(rest.value), rest.odata_next_link) == (10, 2, None)
    inbox = client.users.by_user_id(service.ada.id).mail_folders.by_mail_folder_id("inbox")
    delta = inbox.messages.delta
    first = await delta.get(asking(Prefer="odata.maxpagesize=50"))
    assert len(first.value) == 12
    await messages.by_message_id(first.value[0].id).delete()
    second = await delta.with_url(first.odata_delta_link).get()
    assert "@removed" in second.value[0].additional_data


async def test_subscriptions(
    client: GraphServiceClient, service: Service, webhook: Webhook
) -> None:
    now = datetime.now(UTC)
    created = await client.subscriptions.post(
        Subscription(
            change_type="created",
            notification_url=webhook.url,
            resource=f"users/{service.ada.id}/messages",
            expiration_date_time=now + timedelta(days=2),
            client_state="s",
        ),
        asking(**IMMUTABLE),
    )
    item = (await service.deliver(mail()))["id"]
    (entry,) = await webhook.received(1)
    assert (entry["subscriptionId"], entry["resourceData"]["id"]) == (created.id, item)
    one = client.subscriptions.by_subscription_id(created.id)
    renewed = await one.patch(Subscription(expiration_date_time=now + timedelta(days=5)))
    assert renewed.expiration_date_time > created.expiration_date_time
    assert [each.id for each in (await client.subscriptions.get()).value] == [created.id]
    await one.reauthorize.post()
    await one.delete()
    assert (await client.subscriptions.get()).value == []


async def test_a_meeting_request_is_read_as_its_own_type(
    client: GraphServiceClient, service: Service
) -> None:
    raw = (
        b"Subject: Kick-off\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n"
        b"METHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20261102T080000Z\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )
    item = (await service.deliver(raw))["id"]
    read = await client.users.by_user_id(service.ada.id).messages.by_message_id(item).get()
    assert isinstance(read, EventMessageRequest)


async def test_a_batch_through_the_adapter(client: GraphServiceClient, service: Service) -> None:
    item = (await service.deliver(mail()))["id"]
    part = {"id": "1", "method": "GET", "url": f"/users/{service.ada.id}/messages/{item}",
            "headers": IMMUTABLE}  # fmt: skip
    adapter = client.request_adapter
    request = RequestInformation()
    request.http_method = Method.POST
    request.url = f"{adapter.base_url}/$batch"
    request.headers.add("Content-Type", "application/json")
    request.content = json.dumps({"requests": [part]}).encode()
    answer = await adapter.send_primitive_async(request, "bytes", {})
    (response,) = json.loads(answer)["responses"]
    assert (response["status"], response["body"]["id"]) == (200, item)


async def test_contacts(client: GraphServiceClient, service: Service) -> None:
    ada = client.users.by_user_id(service.ada.id)
    made = await ada.contacts.post(
        Contact(
            given_name="Garth",
            surname="Fort",
            birthday=datetime(1974, 7, 22, tzinfo=UTC),
            email_addresses=[EmailAddress(name="Garth", address="garth@customer.example")],
            business_phones=["+1 918 555 0101"],
            business_address=PhysicalAddress(city="Redmond"),
        ),
        asking(**IMMUTABLE),
    )
    one = ada.contacts.by_contact_id(made.id)
    read = await one.get(asking(**IMMUTABLE))
    assert (read.id, read.display_name, read.birthday.day) == (made.id, "Garth Fort", 22)
    assert (read.email_addresses[0].address, read.business_address.city) == (
        "garth@customer.example",
        "Redmond",
    )
    changed = await one.patch(Contact(business_address=PhysicalAddress(street="10 Contoso Way")))
    assert (changed.business_address.city, changed.business_phones) == (
        "Redmond",
        ["+1 918 555 0101"],
    )
    folder = await ada.contact_folders.post(ContactFolder(display_name="Customers"))
    inside = ada.contact_folders.by_contact_folder_id(folder.id).contacts
    other = await inside.post(Contact(given_name="Ann"))
    assert other.parent_folder_id == folder.id
    delta = await ada.contacts.delta.get()
    await one.delete()
    (gone,) = (await ada.contacts.delta.with_url(delta.odata_delta_link).get()).value
    assert "@removed" in gone.additional_data
    with pytest.raises(ODataError) as refused:
        await one.patch(Contact(title="Dr"))
    assert refused.value.error.code == "ErrorItemNotFound"


async def test_tasks(client: GraphServiceClient, service: Service) -> None:
    todo = client.users.by_user_id(service.ada.id).todo
    (builtin,) = (await todo.lists.get()).value
    assert builtin.wellknown_list_name.value == "defaultList"
    tasks = todo.lists.by_todo_task_list_id(builtin.id).tasks
    task = await tasks.post(
        TodoTask(
            title="Call",
            body=ItemBody(content_type=BodyType.Text, content="Ask"),
            due_date_time=DateTimeTimeZone(date_time="2026-11-20T00:00:00", time_zone="UTC"),
            linked_resources=[LinkedResource(external_id="1", application_name="CRM")],
        )
    )
    assert task.due_date_time.date_time == "2026-11-20T00:00:00.0000000"
    one = tasks.by_todo_task_id(task.id)
    done = await one.patch(TodoTask(status=TaskStatus.Completed))
    assert (done.completed_date_time.time_zone, done.title) == ("UTC", "Call")
    (link,) = (await one.linked_resources.get()).value
    assert link.external_id == "1"
    delta = await tasks.delta.get()
    await one.delete()
    (gone,) = (await tasks.delta.with_url(delta.odata_delta_link).get()).value
    assert "@removed" in gone.additional_data
    made = await todo.lists.post(TodoTaskList(display_name="Deals"))
    await todo.lists.by_todo_task_list_id(made.id).delete()
    with pytest.raises(ODataError) as refused:
        await todo.lists.by_todo_task_list_id(builtin.id).delete()
    assert refused.value.response_status_code == 400
