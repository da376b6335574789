"""`tether doctor`: all green on a tenant that is well, and for each trouble its own finding."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.clients import clients_of
from cli.doctor.examination import examine
from cli.doctor.findings import Finding, Outcome
from cli.doctor.graph import check_roles
from cli.doctor.local import REQUIREMENTS, check_keys
from shared.config import read_settings
from shared.graph.client import GraphRequest, GraphResponse
from shared.identifiers import MailboxId
from tests.contract.cli.conftest import Office
from tests.contract.cli.plants import Patient, not_approved
from tests.contract.cli.troubles import TROUBLES, Trouble


@pytest.fixture
async def patient(office: Office) -> AsyncIterator[Patient]:
    yield Patient(office)
    office.services.servicebus.faults.replace([])


async def examined(patient: Patient) -> list[Finding]:
    return [
        finding
        async for finding in examine(
            patient.office.settings,
            lambda: datetime.now(UTC) + patient.ahead,
            requirements=patient.requirements or REQUIREMENTS,
        )
    ]


async def test_all_is_green(patient: Patient) -> None:
    found = await examined(patient)
    assert [one for one in found if one.outcome is not Outcome.OK] == []
    checks = {one.check for one in found}
    assert len(checks) == len(found) >= 20
    before = patient.office.services.graph.notifications.subscriptions
    assert len(before) == 6


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
async def test_each_trouble_gives_its_own_finding_and_no_other(
    patient: Patient, trouble: Trouble
) -> None:
    planted = trouble.plant(patient)
    if planted is not None:
        await planted
    found = await examined(patient)
    bad = [one for one in found if one.outcome in {Outcome.WARNING, Outcome.FAILED}]
    assert [(one.check, one.outcome) for one in bad] == [(trouble.check, trouble.outcome)]
    assert trouble.message in bad[0].message
    assert trouble.remedy in bad[0].remedy


async def test_what_a_mailbox_lacks_has_its_codes(patient: Patient) -> None:
    not_approved(patient)
    (bad,) = (one for one in await examined(patient) if one.outcome is not Outcome.OK)
    assert bad.codes == ("address-not-approved",)


async def test_a_short_subscription_that_was_left_over_is_ended(patient: Patient) -> None:
    patient.office.fault("graph", "DELETE /subscriptions/{id}", 503, times=1)
    assert [one for one in await examined(patient) if one.outcome is not Outcome.OK] == []
    (fault,) = patient.office.services.surroundings.faults.faults
    assert fault.hits == 1
    assert len(patient.office.services.graph.notifications.subscriptions) == 6


class Permitting:
    """Graph, when it answers whatever is asked."""

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        return [GraphResponse(200)] * len(requests)


async def test_roles_that_exchange_grants_are_in_no_token(office: Office) -> None:
    """With RBAC for Applications only the call tells, but for tasks (graph.md 10)."""
    settings = read_settings(office.settings)
    async with clients_of(settings, office.settings) as clients:
        permitted = replace(clients, graph=Permitting())
        ada = MailboxId(office.services.tenant.people[0].id)
        found = await check_roles(permitted, frozenset(), ada)
    outcomes = {one.check: one.outcome for one in found}
    assert outcomes.pop("graph Tasks.ReadWrite.All") is Outcome.FAILED
    assert set(outcomes.values()) == {Outcome.OK}
    assert "granted by Exchange" in found[0].message


async def test_a_person_who_is_signed_in_is_told_so(patient: Patient) -> None:
    services = patient.office.services
    services.identity.answer_as(
        services.principal, scp="user_impersonation", upn="a@contoso.example"
    )
    found = {one.check: one for one in await examined(patient)}
    assert found["identity"].outcome is Outcome.WARNING
    assert found["identity"].message == "signed in as a@contoso.example"
    assert found["graph roles, webhook"].outcome is Outcome.SKIPPED
    assert "dynamics role" not in found


async def test_the_command_speaks_and_exits_as_things_stand(office: Office) -> None:
    well = await office.tether("doctor")
    assert well.code == 0
    assert all(line.startswith("ok ") for line in well.out.splitlines())
    rows = office.services.dataverse.organization.rows
    ada = office.services.tenant.people[0].id
    row = rows.get("tether_mailbox", ada) or {}
    rows.put(
        "tether_mailbox", ada,
        {**row, "tether_catchupneededsince": "2026-11-01T10:00:00Z", "tether_catchupreason": "x"},
    )  # fmt: skip
    warned = await office.tether("doctor", "--json")
    assert warned.code == 0
    (one,) = (one for one in warned.json if one["outcome"] != "ok")
    assert (one["check"], one["outcome"]) == ("mailbox ada@contoso.example", "warning")
    assert (await office.tether("doctor", "--strict")).code == 1
    rows.put("tether_mailbox", ada, {**row, "tether_lasterror": "Graph 403"})
    failed = await office.tether("doctor")
    assert failed.code == 1
    assert "failed   mailbox ada@contoso.example: Graph 403\n         → mend" in failed.out


@pytest.mark.parametrize(
    ("ids", "outcome", "says"),
    [
        (("k1",), Outcome.OK, "the age is known if"),
        (("261101a7",), Outcome.OK, "261101a7, 23 days old"),
        (("251101a7", "241101a7"), Outcome.WARNING, "388 days old"),
        (("k1", "k2", "k3"), Outcome.WARNING, "3 keys are accepted"),
    ],
)
def test_the_age_of_a_key_is_in_its_id(ids: tuple[str, ...], outcome: Outcome, says: str) -> None:
    keys = {name: bytes(range(n, n + 32)) for n, name in enumerate(ids)}
    now = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=1)
    finding = check_keys(keys, now)
    assert finding.outcome is outcome
    assert says in finding.message
