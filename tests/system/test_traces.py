"""What leaves the whole stack: the trace of a mail from Graph's post to its row, and no content."""

import pytest

from tests.contract.app.collector import Span, collecting
from tests.system.company import TRACKED
from tests.system.mails import mail
from tests.system.stacks import running_company, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKER = "Zanzibar"
POST, BATCH = "POST /api/graph/notifications", "process mail"


async def test_a_trace_leads_to_the_row_and_nothing_tells_what_the_mail_says() -> None:
    async with (
        collecting() as collector,
        running_company(tenant_of(1), warm=False, settings=collector.settings) as (stack, company),
    ):
        raw = mail(MARKER, sender=f"{MARKER} <{MARKER}@fabrikam.example>", cc=f"{MARKER}@x.example")
        item = (await company.deliver("ada", raw, categories=TRACKED))["id"]
        assert stack.host
        await stack.host.logged(f"settled plan=track .*item={item}")

        def posts_behind(batch: Span) -> frozenset[str]:
            return batch.links & {span.trace for span in collector.spans if span.name == POST}

        def is_whole() -> bool:
            batches = [span for span in collector.spans if span.name == BATCH]
            return any(map(posts_behind, batches)) and "tether.lag" in collector.metrics

        await collector.saw(is_whole)
        (batch, *_) = [span for span in collector.spans if span.name == BATCH]
        below = {span.name for span in collector.spans if span.trace == batch.trace}
        assert {"read", "look up", "mark", "write", "POST $batch"} <= below
        rows = await company.rows(f"emails?$filter=subject eq '{MARKER}'")
        assert len(rows) == 1
        told = [*collector.text, *stack.host.log]
    assert [one for one in told if MARKER.lower() in one.lower()] == []
