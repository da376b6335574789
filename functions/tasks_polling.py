"""A timer: what has changed in every mailbox's To Do is found out and put on the queue `tasks`."""

import logging

import azure.functions as func

from shared.bootstrap import app
from shared.errors import Transient, briefly
from shared.tracing import span

logger = logging.getLogger("tether.polling")


def blueprint_at(schedule: str) -> func.Blueprint:
    """Return the timer's function; a setting decides when it runs, and need not be made."""
    blueprint = func.Blueprint()

    @blueprint.timer_trigger(arg_name="timer", schedule=schedule)
    async def tasks_polling(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
        """Poll all mailboxes once; what fails is found by the next poll."""
        try:
            application = await app()
            with span("poll tasks"):
                await application.poller.poll()
        except Transient as problem:
            logger.warning("poll not finished, the next one goes on: %s", briefly(problem))
            raise Transient(briefly(problem)) from None

    return blueprint
