"""The rows that queries find, asked for together, page by page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.query import next_page
from shared.errors import Permanent, Transient


async def read_rows(dataverse: Dataverse, queries: Sequence[Operation]) -> list[dict[str, Any]]:
    """Return all rows that `queries` find, in as few round trips as their pages take.

    Raises:
        Transient: Dataverse did not answer one of them.
        Permanent: one will never be answered; whoever asks may not read the rows, for example.
    """
    rows: list[dict[str, Any]] = []
    while queries:
        answers = await dataverse.batch(queries)
        for answer in answers:
            if answer.is_final:
                raise Permanent(answer.problem)
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)
            rows += answer.body["value"]
        pages = zip(queries, map(next_page, answers), strict=True)
        queries = [replace(page, named=asked.named) for asked, page in pages if page]
    return rows
