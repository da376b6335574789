"""A timer: every ready mailbox is enrolled, and its subscription renewed at half-life."""

import logging

import azure.functions as func

from shared.bootstrap import app
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
            await application.enrolment.enrol_and_renew()
            if application.census:
                await application.census.take()
    except Transient as problem:
        logger.warning("pass not finished, the next one goes on: %s", briefly(problem))
        raise Transient(briefly(problem)) from None
