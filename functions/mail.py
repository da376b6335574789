"""Consumes the queue `mail`: a batch of changes is reconciled, and every change settled."""

import logging
from typing import List

import azure.functions as func

from shared.bootstrap import App, app
from shared.bus import PARKED, parked_body
from shared.changes import Change, decode
from shared.errors import Malformed
from shared.identifiers import Kind
from shared.sync.outcome import Outcome
from shared.sync.plan import Ignore, Keep, Plan, Track, Unlink
from shared.sync.settling import settle
from shared.telemetry import changes_failed, changes_parked, changes_settled, lag

blueprint = func.Blueprint()
logger = logging.getLogger("tether.mail")


@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    queue_name="mail",
    connection="ServiceBusConnection",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def mail(messages: List[func.ServiceBusMessage]) -> None:
    """Reconcile the mails the messages are about."""
    await consume(await app(), [(message.message_id, message.get_body()) for message in messages])


async def consume(application: App, messages: list[tuple[str, bytes]]) -> None:
    """Reconcile a batch of messages (id, body); raises only if the bus does not take the rest.

    One bad message never fails its neighbours: what cannot be read is parked as it came.
    """
    changes: list[Change] = []
    for message_id, body in messages:
        try:
            changes += decode(body)
        except Malformed as problem:
            await application.bus.send(PARKED, [parked_body("mail", body, str(problem))])
            changes_parked.add(1)
            logger.error("parked message=%s reason=%s", message_id, problem)
    outcome = await application.reconciler.reconcile(changes)
    await settle(outcome, Kind.MAIL, application.bus, application.now())
    _report(application, outcome)


def _report(application: App, outcome: Outcome) -> None:
    for settled in outcome.settled:
        name, why = _told(settled.plan)
        seconds = (application.now() - settled.change.noticed).total_seconds()
        changes_settled.add(1, {"plan": name})
        lag.record(seconds, {"plan": name})
        logger.info(
            "settled plan=%s mailbox=%s item=%s lag=%.3f why=%s",
            name,
            settled.change.mailbox,
            settled.change.item,
            seconds,
            why,
        )
    for failed in outcome.failed:
        changes_failed.add(1)
        logger.warning("failed item=%s problem=%s", failed.change.item, failed.problem)
    for impossible in outcome.impossible:
        changes_parked.add(1)
        logger.error("parked item=%s reason=%s", impossible.change.item, impossible.reason)


def _told(plan: Plan | None) -> tuple[str, str]:
    """Return a plan's name and why it was made, in the words of the log."""
    match plan:
        case None:
            return "seen", "this version is known"
        case Track():
            return "track", plan.tracking.reason.name.lower()
        case Keep():
            return "keep", "tracked already"
        case Unlink():
            return "unlink", plan.why
        case Ignore():
            return "ignore", plan.why
