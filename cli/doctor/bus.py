"""What Service Bus lets the app do: send to and receive from each queue."""

import asyncio
from collections.abc import Awaitable, Callable

from azure.core.exceptions import AzureError
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessagingEntityNotFoundError

from cli.doctor.findings import Finding, failed, ok, warning
from shared.bus import LIFECYCLE, PARKED
from shared.identifiers import Kind

QUEUES = (*(kind.value for kind in Kind), LIFECYCLE, PARKED)
_RIGHTS = {
    "send to": "Azure Service Bus Data Sender",
    "receive from": "Azure Service Bus Data Receiver",
}
Problems = dict[str, AzureError]


async def check_bus(client: ServiceBusClient) -> list[Finding]:
    """Open a link in each direction; nothing is sent, and nothing is taken."""
    # Each link has a connection of its own, which takes its time to close.
    outcomes = await asyncio.gather(*(_tried(client, queue) for queue in QUEUES))
    tried = dict(zip(QUEUES, outcomes, strict=True))
    everywhere = [problem for problems in tried.values() for problem in problems.values()]
    if len(everywhere) == len(QUEUES) * len(_RIGHTS) and len({type(p) for p in everywhere}) == 1:
        return [_namespace(everywhere[0])]
    return [_queue(queue, problems) for queue, problems in tried.items()]


async def check_parked(client: ServiceBusClient) -> Finding:
    """Look whether anything is parked."""
    async with client.get_queue_receiver(PARKED) as receiver:
        if await receiver.peek_messages(max_message_count=1):
            remedy = "see what and why with tether parked list"
            return warning("parked", "some changes could not be done", remedy)
    return ok("parked", "nothing")


async def _tried(client: ServiceBusClient, queue: str) -> Problems:
    problems: Problems = {}
    ways: dict[str, Callable[[ServiceBusClient, str], Awaitable[None]]] = {
        "send to": _open_to_send, "receive from": _open_to_receive,
    }  # fmt: skip
    for way, attempt in ways.items():
        try:
            await attempt(client, queue)
        except AzureError as problem:
            problems[way] = problem
    return problems


async def _open_to_send(client: ServiceBusClient, queue: str) -> None:
    async with client.get_queue_sender(queue) as sender:
        await sender.create_message_batch()


async def _open_to_receive(client: ServiceBusClient, queue: str) -> None:
    async with client.get_queue_receiver(queue) as receiver:
        await receiver.peek_messages(max_message_count=1)


def _namespace(problem: AzureError) -> Finding:
    return failed(
        "service bus",
        f"no queue can be used: {_first_line(problem)}",
        "check ServiceBusConnection__fullyQualifiedNamespace, the network (AMQP, port 5671), and"
        " that the app's identity has roles on the namespace",
    )


def _queue(queue: str, problems: Problems) -> Finding:
    check = f"queue {queue}"
    if not problems:
        return ok(check, "sends and receives")
    if any(isinstance(problem, MessagingEntityNotFoundError) for problem in problems.values()):
        return failed(check, "it is not there", "deploy the infrastructure again (infra/)")
    roles = " and ".join(_RIGHTS[way] for way in problems)
    why = _first_line(next(iter(problems.values())))
    message = f"the app may not {' or '.join(problems)} it: {why}"
    return failed(check, message, f"assign {roles} on the queue {queue} to the app's identity")


def _first_line(problem: AzureError) -> str:
    return str(problem).strip().partition("\n")[0]
