"""A timer: once a day every tracked series gets the occurrences that came into the window."""

import azure.functions as func

from shared.bootstrap import app

blueprint = func.Blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule="0 30 2 * * *")
async def occurrences(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
    """Have every tracked series looked at."""
    await (await app()).rolling.roll()
