"""What Service Bus lets the app do: send to and receive from each queue."""

import asyncio
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessagingEntityNotFoundError

from cli.doctor.findings import Finding, failed, ok, warning
from shared.bus import LIFECYCLE, PARKED
from shared.identifiers import Kind

QUEUES = (*(kind.value for kind in Kind), LIFECYCLE, PARKED)
_SEND, _RECEIVE = "send to", "receive from"
_RIGHTS = {_SEND: "Azure Service Bus Data Sender", _RECEIVE: "Azure Service Bus Data Receiver"}
Problems = dict[str, AzureError]


@dataclass(slots=True)
class Tried:
    """What came of opening a queue's links: the problem of each direction that has one."""

    problems: Problems = field(default_factory=dict)
    holds_messages: bool = False


async def check_bus(client: ServiceBusClient) -> list[Finding]:
    """Open a link in each direction, and look whether anything is parked.

    Nothing is sent, and nothing is taken.
    """
    # Each link has a connection of its own, which takes its time to open and to close.
    tried = dict(
        zip(QUEUES, await asyncio.gather(*(_tried(client, one) for one in QUEUES)), strict=True)
    )
    everywhere = [problem for one in tried.values() for problem in one.problems.values()]
    if len(everywhere) == len(QUEUES) * len(_RIGHTS) and len({type(p) for p in everywhere}) == 1:
        return [_namespace(everywhere[0])]
    findings = [_queue(queue, one.problems) for queue, one in tried.items()]
    if _RECEIVE not in tried[PARKED].problems:
        findings.append(_parked(holds_messages=tried[PARKED].holds_messages))
    return findings


async def _tried(client: ServiceBusClient, queue: str) -> Tried:
    sender, receiver = client.get_queue_sender(queue), client.get_queue_receiver(queue)
    tried = Tried()
    try:
        await sender.create_message_batch()
    except AzureError as problem:
        tried.problems[_SEND] = problem
    try:
        tried.holds_messages = bool(await receiver.peek_messages(max_message_count=1))
    except AzureError as problem:
        tried.problems[_RECEIVE] = problem
    await asyncio.gather(sender.close(), receiver.close())
    return tried


def _parked(*, holds_messages: bool) -> Finding:
    if holds_messages:
        remedy = "see what and why with tether parked list"
        return warning("parked", "some changes could not be done", remedy)
    return ok("parked", "nothing")


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
