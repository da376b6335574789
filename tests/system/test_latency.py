"""How soon a mail is in Dynamics when nothing else is going on."""

import asyncio
from statistics import median

import pytest

from tests.system.company import TRACKED, Company
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_median_from_arrival_to_completed_row_is_under_a_second(
    company: Company,
) -> None:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    for number in range(9):
        message_id = f"<latency-{number}@fabrikam.example>"
        began = loop.time()
        await company.deliver("ada", mail(message_id=message_id), categories=TRACKED)
        await company.activity(message_id)
        took.append(loop.time() - began)
        await company.quiet()
    assert median(took) < 1.0
