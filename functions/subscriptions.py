"""A timer: every ready mailbox is enrolled, its subscriptions renewed, what waited for it sent."""

import logging

import azure.functions as func

from shared.bootstrap import App, app
from shared.errors import Transient, briefly
from shared.tracing import span

blueprint = func.Blueprint()
logger = logging.getLogger("tether.subscriptions")


@blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
async def subscriptions(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
    """Make one pass over all mailboxes; what fails is done by the next pass."""
    try:
        application = await app()
        with span("pass over all mailboxes"):
            await keep_up(application)
    except Transient as problem:
        logger.warning("pass not finished, the next one goes on: %s", briefly(problem))
        raise Transient(briefly(problem)) from None


async def keep_up(application: App) -> None:
    """Have mailboxes tested that can be now, enrol the ready, and send what waited for that.

    Raises:
        Transient: a service did not answer.
    """
    await application.enabler.go_on()
    enrolled = await application.enrolment.enrol_and_renew()
    await application.waiting.send(enrolled=enrolled)
    if application.census:
        await application.census.take()
