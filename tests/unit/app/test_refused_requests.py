"""What is asked for and cannot be: it says why, and is under way no more."""

from uuid import UUID

import pytest

from shared.tracking.contract import (
    State,
)
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import ACCOUNT, Sellers

ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}


@pytest.mark.parametrize(
    ("table", "key", "code"),
    [
        ("account", "00000000-0000-4000-8000-00000000dead", "regarding-not-found"),
        ("no_such", ACCOUNT, "regarding-not-possible"),
        ("systemuser", ACCOUNT, "regarding-not-possible"),
    ],
)
async def test_a_record_that_is_not_there_is_refused(
    sellers: Sellers, table: str, key: str, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await sellers.save(0, 0, regarding={"table": table, "id": UUID(key)})
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert await sellers.states() == [State.NOT_SAVED] * 3


@pytest.mark.parametrize(
    ("service", "operation", "status", "code", "trouble"),
    [
        ("dataverse", "POST emails", 400, "0x80040265", "customization-aborted"),
        (
            "graph",
            "PATCH /users/{id}/messages/{id}",
            403,
            "ErrorAccessDenied",
            "graph-access-denied",
        ),
    ],
)
async def test_what_cannot_be_saved_says_why_and_can_be_asked_for_again(
    sellers: Sellers, service: str, operation: str, status: int, code: str, trouble: str
) -> None:
    sellers.fault(service, operation, status, code=code)
    await sellers.save(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.FAILED] * 3
    assert len(sellers.queue.parked) == 1
    told = await sellers.status(1, 0)
    assert told
    assert told.trouble
    assert told.trouble.code == trouble
    sellers.fault(service, "nothing", 500)
    await sellers.save_for(0)
    assert await sellers.states() == [State.SAVED] * 3


async def test_a_regarding_that_cannot_be_leaves_the_item_saved_and_says_why(
    sellers: Sellers,
) -> None:
    await sellers.save_for(0)
    sellers.fault("dataverse", "PATCH emails", 400, code="0x80040265")
    await sellers.save(0, 0, **ABOUT)
    await sellers.settle()
    told = await sellers.status(0, 0)
    assert told
    assert told.trouble
    assert (told.state, told.trouble.code) == (State.SAVED, "customization-aborted")
