"""Calendars that people and programs have really exported, broken ones among them."""

from pathlib import Path

import pytest

from tests.system.company import TRACKED, Company

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CALENDARS = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-calendar"


@pytest.mark.skipif(not _CALENDARS.is_dir(), reason="the collection of real calendars is not here")
async def test_every_event_of_real_calendars_is_tracked_or_left_out_with_a_reason(
    company: Company,
) -> None:
    files = sorted(_CALENDARS.glob("**/*.ics"))
    assert files
    came = {
        file.name: await company.import_calendar("edsger", file.read_bytes(), categories=TRACKED)
        for file in files
    }
    await company.quiet(seconds=60)
    assert (await company.queue("parked"))["active"] == 0
    assert all(one["reason"] for answer in came.values() for one in answer["skipped"])
    assert all(answer["imported"] or answer["skipped"] for answer in came.values())
    imported = {one["id"]: name for name, answer in came.items() for one in answer["imported"]}
    assert imported
    for item, name in imported.items():
        event = await company.graph("GET", f"/users/{{edsger}}/events/{item}?$select=isCancelled")
        states = [link["tether_state"] for link in await company.links(item=item)]
        assert states == ([] if event["isCancelled"] else [1]), name
