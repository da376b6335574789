"""Consumes the queue `lifecycle`: what Graph says about a subscription is acted on."""

import logging

import azure.functions as func
from pydantic import ValidationError

from shared.bootstrap import App, app
from shared.bus import LIFECYCLE, PARKED, Message, parked_body
from shared.errors import Transient, briefly
from shared.graph.notifications import LifecycleEvent
from shared.sync.settling import GAVE_UP, MAX_ATTEMPTS, wait_before
from shared.telemetry import KIND, REASON, Parked, changes_parked

blueprint = func.Blueprint()
logger = logging.getLogger("tether.lifecycle")


@blueprint.service_bus_queue_trigger(
    arg_name="message",
    queue_name="lifecycle",
    connection="ServiceBusConnection",
    data_type=func.DataType.BINARY,
)
async def lifecycle(message: func.ServiceBusMessage) -> None:
    """React to one event."""
    await react(await app(), message.message_id, message.get_body())


async def react(application: App, message_id: str, body: bytes) -> None:
    """React to the event in `body`; what fails comes back with a schedule, at last it is parked."""
    try:
        event = LifecycleEvent.model_validate_json(body)
    except ValidationError as problem:
        reason = f"not a lifecycle event: {problem.errors()[0]['msg']}"
        await _park(application, message_id, body, reason, Parked.UNREADABLE)
        return
    logger.info("lifecycle event=%s mailbox=%s", event.event, event.subject.mailbox)
    try:
        await application.enrolment.react(event)
    except Transient as problem:
        logger.warning("lifecycle event=%s failed: %s", event.event, briefly(problem))
        again = event.model_copy(update={"attempt": event.attempt + 1})
        if again.attempt >= MAX_ATTEMPTS:
            reason = f"{GAVE_UP}{problem}"
            await _park(application, message_id, body, reason, Parked.KEPT_FAILING)
            return
        due = application.now() + wait_before(again.attempt, problem.retry_after)
        told = f"{(message_id or again.subscription).partition('#')[0]}#{again.attempt}"
        retry = Message(told, again.model_dump_json().encode(), due)
        await application.bus.send(LIFECYCLE, [retry])


async def _park(application: App, message_id: str, body: bytes, reason: str, cause: Parked) -> None:
    await application.bus.send(PARKED, [parked_body(LIFECYCLE, body, reason)])
    changes_parked.add(1, {KIND: LIFECYCLE, REASON: cause})
    why = briefly(reason.removeprefix(GAVE_UP))
    logger.error("parked message=%s cause=%s reason=%s", message_id, cause, why)
