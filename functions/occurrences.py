"""A timer: once a day every tracked series gets the occurrences that came into the window."""

import logging

import azure.functions as func

from shared.bootstrap import app
from shared.errors import Transient, briefly
from shared.tracing import span

blueprint = func.Blueprint()
logger = logging.getLogger("tether.rolling")


@blueprint.timer_trigger(arg_name="timer", schedule="0 30 2 * * *")
async def occurrences(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
    """Have every tracked series looked at."""
    application = await app()
    try:
        with span("roll series"):
            await application.rolling.roll()
    except Transient as problem:
        logger.warning("series not looked at, tomorrow they are: %s", briefly(problem))
        raise Transient(briefly(problem)) from None
