"""Whatever is attached and whatever fails on the way: each file that may come is there once."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.sync.mail.policy import MailPolicy
from shared.sync.outcome import Outcome
from tests.unit.app.office import Office, again
from tests.unit.app.sides import Ground

MOST = 8
FILE = st.tuples(
    st.sampled_from(["a.txt", "A.TXT", "b.pdf", "c.exe", "d", "\N{SNOWMAN}.txt"]),
    st.sampled_from(["text/csv", "application/pdf", "image/svg+xml"]),
    st.binary(min_size=1, max_size=MOST + 4),
)
FAULT = st.sampled_from(
    [
        ("graph", "GET /users/{id}/messages/{id}/attachments"),
        ("graph", "GET /users/{id}/messages/{id}/attachments/{id}/$value"),
        ("dataverse", "POST activitymimeattachments"),
        ("dataverse", "POST $batch"),
    ]
)
FAULTS = st.lists(st.tuples(FAULT, st.integers(0, 6)), max_size=4)


@given(files=st.lists(FILE, max_size=6), faults=FAULTS)
def test_each_file_that_may_come_is_there_once_the_others_are_named(
    ground: Ground,
    files: list[tuple[str, str, bytes]],
    faults: list[tuple[tuple[str, str], int]],
) -> None:
    office = asyncio.run(_live(ground, files, faults))
    rows = office.dataverse.rows("activitymimeattachment").values()
    allowed = [
        name
        for name, mime_type, content in files
        if len(content) <= MOST and not name.endswith(".exe") and mime_type != "image/svg+xml"
    ]
    assert Counter(row["filename"] for row in rows) == Counter(allowed)
    (email,) = office.dataverse.rows("email").values()
    assert (email["statecode"], email["attachmentcount"] or 0) == (1, len(allowed))
    for link in office.dataverse.rows("tether_link").values():
        assert not link["tether_attachmentspending"]
        assert len((link["tether_notes"] or "").splitlines()) == len(files) - len(allowed)


async def _live(
    ground: Ground,
    files: list[tuple[str, str, bytes]],
    faults: list[tuple[tuple[str, str], int]],
) -> Office:
    office = await Office(ground).open()
    office.dataverse.choose(maxuploadfilesize=MOST, blockedmimetypes="image/svg+xml")
    instance = office.instance(policy=MailPolicy(attachments=True))
    changes = [office.mail(1, person, files=files) for person in (0, 1)]
    for (service, operation), skip in faults:
        office.fault(service, operation, 503, skip=skip)
        await instance.reconcile([again(change) for change in changes])
    office.fault("graph", "nothing", 503)
    outcome: Outcome = await instance.reconcile([again(change) for change in changes])
    assert not outcome.failed
    assert not outcome.impossible
    return office
