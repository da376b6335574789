"""Timers."""

# ruff: noqa: ARG001  # the worker passes parameters by name, wanted or not

import json
import logging
import time

import azure.functions as func

log = logging.getLogger("app")
app = func.FunctionApp()


@app.timer_trigger("timer", schedule="%SCHEDULE%", run_on_startup=True)
async def startup(timer: func.TimerRequest) -> None:
    """Run at once."""
    status = timer.schedule_status  # type: ignore[attr-defined]  # of the class behind
    log.info("STARTUP %s", json.dumps([timer.past_due, status]))


@app.timer_trigger("timer", schedule="* * * * * *")
async def each_second(timer: func.TimerRequest) -> None:
    """Run every second."""
    log.info("SECOND %s", timer.past_due)


@app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def stubborn(timer: func.TimerRequest, context: func.Context) -> None:
    """Fail, whatever the attempt."""
    retry = context.retry_context
    log.info("ATTEMPT %s of %s", retry.retry_count, retry.max_retry_count)
    raise ValueError("no")


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
async def returns(timer: func.TimerRequest) -> int:
    """Return a value, which is a fault after the fact."""
    log.info("EFFECT")
    return 1


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
def lingers(timer: func.TimerRequest) -> None:
    """Outlast the function timeout."""
    time.sleep(60)


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
async def disabled(timer: func.TimerRequest) -> None:
    """Never run."""
