"""What ends tracking, what does not, and what stays (server-side-sync.md 3)."""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from tests.system.company import TRACKED, Company, Row
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINKED, REMOVED = 1, 2  # tether_state
type Act = Callable[[Company, str], Awaitable[None]]
_numbers = count(1)


async def tracked_by_two(company: Company) -> tuple[str, str, Row]:
    """Have a mail tracked in two mailboxes; return Ada's item, Grace's item and the activity."""
    message_id = f"<removal-{next(_numbers)}@fabrikam.example>"
    raw = mail(to="ada@contoso.example, grace@contoso.example", message_id=message_id)
    ada = (await company.deliver("ada", raw, categories=f"Blue,{TRACKED}"))["id"]
    grace = (await company.deliver("grace", raw, categories=TRACKED))["id"]
    await company.quiet()
    return ada, grace, await company.activity(message_id)


async def take_the_category_off(company: Company, item: str) -> None:
    await company.categorize("ada", item, "Blue")


async def delete_for_good(company: Company, item: str) -> None:
    await company.delete("ada", item)


async def move_to_deleted_items(company: Company, item: str) -> None:
    await company.move("ada", item, "deleteditems")


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (take_the_category_off, "the category was taken off"),
        (delete_for_good, "deleted in Outlook"),
        (move_to_deleted_items, "moved to Deleted Items"),
    ],
)
async def test_what_ends_tracking_unlinks_this_copy_and_leaves_the_rest(
    company: Company, act: Act, why: str
) -> None:
    ada, grace, activity = await tracked_by_two(company)
    await act(company, ada)
    await company.quiet()
    (link,) = await company.links(item=ada)
    assert link["tether_state"] == REMOVED
    assert link["tether_removedon"] is not None
    assert why in link["tether_detail"]
    (other,) = await company.links(item=grace)
    assert other["tether_state"] == LINKED
    assert await company.activity(activity["messageid"]) == activity


async def test_moving_a_mail_between_folders_writes_nothing(company: Company) -> None:
    ada, _, activity = await tracked_by_two(company)
    before = await company.links(item=ada)
    for folder in ("archive", "inbox", "archive"):
        await company.move("ada", ada, folder)
    await company.quiet()
    assert await company.links(item=ada) == before
    assert await company.activity(activity["messageid"]) == activity


async def test_a_mail_brought_back_from_deleted_items_is_tracked_again(company: Company) -> None:
    ada, _, activity = await tracked_by_two(company)
    await company.move("ada", ada, "deleteditems")
    await company.quiet()
    await company.move("ada", ada, "inbox")
    await company.quiet()
    (link,) = await company.links(item=ada)
    assert link["tether_state"] == LINKED
    assert (link["tether_removedon"], link["tether_detail"]) == (None, None)
    assert link["_tether_emailid_value"] == activity["activityid"]


async def test_the_category_put_on_again_tracks_again(company: Company) -> None:
    ada, _, activity = await tracked_by_two(company)
    for categories in ((), (TRACKED,), (), (TRACKED,)):
        await company.categorize("ada", ada, *categories)
        await company.quiet()
    (link,) = await company.links(item=ada)
    assert link["tether_state"] == LINKED
    # Whoever ties a mail to a row makes a new version of it (shared/sync/mail/telling.py).
    versions = {"@odata.etag", "versionnumber", "modifiedon"}
    again = await company.activity(activity["messageid"])
    assert {k: v for k, v in again.items() if k not in versions} == {
        k: v for k, v in activity.items() if k not in versions
    }


async def test_what_was_taken_out_does_not_come_back_by_itself(company: Company) -> None:
    await company.choose_filter("alan", 0)
    raw = mail(to="alan@contoso.example", message_id="<out-again@fabrikam.example>")
    item = (await company.deliver("alan", raw))["id"]
    await company.quiet()
    assert [link["tether_state"] for link in await company.links(item=item)] == [LINKED]
    await company.categorize("alan", item)
    await company.quiet()
    await company.graph("PATCH", f"/users/{{alan}}/messages/{item}", {"isRead": True})
    await company.quiet()
    assert [link["tether_state"] for link in await company.links(item=item)] == [REMOVED]


async def test_an_activity_deleted_in_dynamics_takes_the_category_off(company: Company) -> None:
    ada, grace, activity = await tracked_by_two(company)
    await company.write("DELETE", f"emails({activity['activityid']})")
    for person, item in (("ada", ada), ("grace", grace)):
        await company.graph("PATCH", f"/users/{{{person}}}/messages/{item}", {"isRead": True})
    await company.quiet()
    links = await company.links(message_id=activity["messageid"])
    assert [link["tether_state"] for link in links] == [REMOVED, REMOVED]
    shown = await company.graph("GET", f"/users/{{ada}}/messages/{ada}?$select=categories")
    assert shown["categories"] == ["Blue"]
