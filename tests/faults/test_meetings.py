"""What goes wrong while meetings change: told badly, refused, cut off, killed (peers.md C2)."""

import pytest

from bench.ics import calendar
from tests.faults.diary import Diary
from tests.faults.test_busy_services import BUSY, DOWN
from tests.faults.test_crashes import after, before
from tests.faults.test_notifications import notify
from tests.faults.trial import DATAVERSE_BATCH, GRAPH_BATCH, Trial
from tests.system.company import TRACKED, Row
from tests.system.meetings import next_week, when

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = {"service": "graph", "operation": "GET /users/{id}/events/{id}"}
OCCURRENCES = {"service": "graph", "operation": "GET /users/{id}/events/{id}/instances"}
LOOK_UP = {"service": "dataverse", "operation": "GET appointments"}
CREATE = {"service": "dataverse", "operation": "POST appointments"}
DELETE = {"service": "dataverse", "operation": "DELETE appointments"}
LINK = {"service": "dataverse", "operation": "PATCH tether_links"}
REFUSALS = {
    "Graph is busy": {**GRAPH_BATCH, **BUSY},
    "Graph is down": {**GRAPH_BATCH, **DOWN},
    "a read is throttled": {**READ, **BUSY},
    "a read fails": {**READ, **DOWN},
    "a series' occurrences are throttled": {**OCCURRENCES, **BUSY},
    "a series' occurrences fail": {**OCCURRENCES, **DOWN},
    "Dynamics is busy": {**DATAVERSE_BATCH, **BUSY},
    "Dynamics is down at the write": {**DATAVERSE_BATCH, **DOWN, "skip": 1},
    "a look-up is throttled": {**LOOK_UP, **BUSY},
    "an appointment is throttled": {**CREATE, **BUSY},
    "an appointment of a series fails": {**CREATE, **DOWN, "skip": 2},
    "a deletion fails": {**DELETE, **DOWN},
    "a link fails": {**LINK, **DOWN},
}
# All that the app asks for on behalf of one batch of changes: events, then the occurrences of
# series; rows and links, then the rows of what is gone; then all is written.
STOPS = {
    "before the events are read": before(GRAPH_BATCH, 1),
    "before the occurrences are read": before(GRAPH_BATCH, 2),
    "before the look-up": before(DATAVERSE_BATCH, 1),
    "before the second request to Dynamics": before(DATAVERSE_BATCH, 2),
    "after the second request to Dynamics": after(DATAVERSE_BATCH, 2),
    "before the third request to Dynamics": before(DATAVERSE_BATCH, 3),
    "after the third request to Dynamics": after(DATAVERSE_BATCH, 3),
}


async def test_one_changed_event_makes_the_requests_enumerated(trial: Trial) -> None:
    diary = await Diary.of(trial)
    await trial.company.control("DELETE", "/stats")
    await trial.company.import_calendar("ada", calendar(["one event"]), categories=TRACKED)
    await trial.company.quiet()
    stats = await trial.company.stats()
    made = {name: stats[name]["operations"] for name in ("graph", "dataverse")}
    assert made == {"graph": {"POST /$batch": 1}, "dataverse": {"POST $batch": 2}}
    await diary.fill()
    await diary.assert_right()


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_is_tried_again(trial: Trial, refusal: Row) -> None:
    diary = await Diary.of(trial)
    await trial.company.faults(refusal)
    await diary.fill()
    await trial.company.struck()
    await diary.assert_right()


@pytest.mark.parametrize("action", ["drop", "drop-after"])
@pytest.mark.parametrize("where", [GRAPH_BATCH, DATAVERSE_BATCH, {**DATAVERSE_BATCH, "skip": 1}])
async def test_a_cut_connection_is_tried_again(trial: Trial, where: Row, action: str) -> None:
    diary = await Diary.of(trial)
    await trial.company.faults({**where, "action": action})
    await diary.fill()
    await trial.company.struck()
    await diary.assert_right()


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS.keys())
async def test_killed_at_a_request(trial: Trial, stop: Row) -> None:
    diary = await Diary.of(trial)
    await trial.company.faults(stop)
    await diary.fill()
    await trial.company.struck()
    await trial.kill_host()
    await trial.recover()
    await diary.assert_right()


@pytest.mark.parametrize("point", ["send", "send-noack", "settle", "settle-noack"])
async def test_killed_at_the_broker(trial: Trial, point: str) -> None:
    diary = await Diary.of(trial)
    fault = {"service": "servicebus", "point": point, "entity": "calendar", "times": None}
    await trial.company.faults(fault)
    await diary.fill()
    await trial.company.struck()
    await trial.kill_host()
    await trial.recover()
    await diary.assert_right()


@pytest.mark.parametrize("action", ["duplicate", "reorder"])
@pytest.mark.parametrize("number", [1, 2, 3, None])
async def test_notifications_twice_or_in_another_order_change_nothing(
    trial: Trial, action: str, number: int | None
) -> None:
    diary = await Diary.of(trial)
    await trial.company.faults(notify(action, times=number))
    await diary.fill()
    await trial.company.struck()
    await diary.assert_right()


async def test_what_a_lost_notification_told_is_made_good_by_the_next_one(trial: Trial) -> None:
    company = trial.company
    diary = await Diary.of(trial)
    await company.faults(notify("lose", times=None))
    path = "/users/{ada}/events"
    event = {"subject": "Unheard of", **when(next_week()), "categories": [TRACKED]}
    item = (await company.graph("POST", path, event))["id"]
    await company.struck()
    await company.quiet()
    assert not await trial.is_tracked(item)
    await company.faults()
    await company.graph("PATCH", f"{path}/{item}", {"subject": "Heard of"})
    await diary.fill()
    await diary.assert_right()
    assert await trial.is_tracked(item)
