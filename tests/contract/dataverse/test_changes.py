"""Change tracking with delta links (dataverse.md 8.4)."""

from datetime import timedelta

import pytest

from sandbox.web import Surroundings
from tests.contract.dataverse.webapi import Web, table_body

TRACK = {"Prefer": "odata.track-changes"}


async def test_what_changed_since(web: Web) -> None:
    kept, gone = await web.created("contacts", lastname="a"), await web.created("contacts")
    first = await web.get("contacts?$select=lastname", **TRACK)
    assert first.headers["Preference-Applied"] == "odata.track-changes"
    assert {row["contactid"] for row in first.rows} == {kept, gone}
    assert (await web.get(first.json["@odata.deltaLink"])).rows == []
    await web.patch(f"contacts({kept})", {"lastname": "b"})
    await web.delete(f"contacts({gone})")
    new = await web.created("contacts", lastname="c")
    second = await web.get(first.json["@odata.deltaLink"])
    changed = [row for row in second.rows if "contactid" in row]
    assert {(row["contactid"], row["lastname"]) for row in changed} == {(kept, "b"), (new, "c")}
    (deleted,) = (row for row in second.rows if "contactid" not in row)
    assert (deleted["id"], deleted["reason"]) == (gone, "deleted")
    assert deleted["@odata.context"].endswith("#contacts/$deletedEntity")
    assert (await web.get(second.json["@odata.deltaLink"])).rows == []


@pytest.mark.parametrize("option", ["$filter=lastname%20eq%20'a'", "$top=1", "$orderby=lastname"])
async def test_what_cannot_be_combined(web: Web, option: str) -> None:
    assert (await web.get(f"contacts?{option}", **TRACK)).status == 400


async def test_a_token_expires(web: Web, surroundings: Surroundings) -> None:
    link = (await web.get("contacts", **TRACK)).json["@odata.deltaLink"]
    surroundings.clock.advance(timedelta(days=6, hours=23))
    assert (await web.get(link)).status == 200
    surroundings.clock.advance(timedelta(hours=2))
    assert (await web.get(link)).code == "0x80072492"
    assert (await web.get("contacts?$deltatoken=nonsense")).status == 400


async def test_tracking_is_turned_on_and_stays_on(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    assert (await web.get("new_things", **TRACK)).status == 400
    path = "EntityDefinitions(LogicalName='new_thing')"
    definition = (await web.get(path)).json
    assert (await web.put(path, definition | {"ChangeTrackingEnabled": True})).status == 204
    assert (await web.get("new_things", **TRACK)).status == 200
    assert (await web.put(path, definition | {"ChangeTrackingEnabled": False})).status == 400
