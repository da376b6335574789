"""Mail that people and programs have really sent, broken mail among it."""

from pathlib import Path

import pytest

from tests.system.company import Company
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MAILS = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-mail"
FILTER = 4  # tether_reason
ALL = 0


@pytest.mark.skipif(not _MAILS.is_dir(), reason="the collection of real mail is not here")
async def test_every_real_mail_becomes_a_row_and_none_stops_another(company: Company) -> None:
    files = sorted(_MAILS.glob("**/*.eml"))
    assert files
    await company.choose_filter("edsger", ALL)
    items = {file.name: await company.deliver("edsger", file.read_bytes()) for file in files}
    after = await company.deliver("edsger", mail("After all of them"))
    await company.quiet(seconds=60)
    assert (await company.queue("parked"))["active"] == 0
    for name, item in {**items, "the last": after}.items():
        (link,) = await company.links(item=item["id"])
        assert (link["tether_state"], link["tether_reason"]) == (1, FILTER), name
        email = await company.activity(item["internetMessageId"])
        assert email["activityid"] == link["_tether_emailid_value"], name
