"""What is made of a notification collection (graph.md 2.1, 3)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.changes import Hint
from shared.errors import Malformed
from shared.graph.client_state import ClientStateKeys, Subject
from shared.graph.notifications import (
    Rejection,
    changes_in,
    entries_of,
    lifecycle_events_in,
)
from shared.identifiers import Kind, MailboxId

TENANT = "3f9d8c11-7f4e-4d5e-9a60-0c0ffee00001"
MAILBOX = MailboxId("6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c33")
OTHER = MailboxId("6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c34")
ITEM = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AcontosoM1AAA="
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
KEYS = ClientStateKeys(TENANT, {"k1": bytes(32)})
STATE = KEYS.seal(Subject(MAILBOX, Kind.MAIL))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def entry(**stated: object) -> dict[str, Any]:
    """A genuine entry as Graph writes it, but for what is stated."""
    return {
        "subscriptionId": "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
        "subscriptionExpirationDateTime": "2026-12-01T01:00:00.0000000-08:00",
        "changeType": "created",
        "resource": f"Users/{MAILBOX}/Messages/{ITEM}",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": f"Users/{MAILBOX}/Messages/{ITEM}",
            "@odata.etag": 'W/"CQAAABYAAADcontoso0001"',
            "id": ITEM,
        },
        "clientState": STATE,
        "tenantId": TENANT,
        **stated,
    }


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in entry().items() if key != name}


def lifecycle(**stated: object) -> dict[str, Any]:
    return {
        "lifecycleEvent": "missed",
        "subscriptionId": "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
        "clientState": STATE,
        "tenantId": TENANT,
        **stated,
    }


def judged(*entries: object) -> tuple[int, Mapping[Rejection, int]]:
    verdict = changes_in(entries, KEYS, tenant=TENANT, now=NOW)
    return len(verdict.genuine), verdict.rejected


def test_a_genuine_entry_becomes_a_change() -> None:
    (change,) = changes_in([entry()], KEYS, tenant=TENANT, now=NOW).genuine
    assert change.mailbox == MAILBOX
    assert change.item == ITEM
    assert change.kind is Kind.MAIL
    assert change.hint is Hint.CREATED
    assert change.etag == 'W/"CQAAABYAAADcontoso0001"'
    assert change.noticed == NOW
    assert change.attempt == 0


@pytest.mark.parametrize(
    "resource",
    [
        f"Users/{MAILBOX}/Messages/{ITEM}",
        f"users/{MAILBOX}/messages/{ITEM}",
        f"/users/{MAILBOX}/messages",
        f"Users('{MAILBOX}')/messages('{ITEM}')",
        f"users('{MAILBOX.upper()}')/Messages('{ITEM}')",
        f"Users/{MAILBOX}@{TENANT}/Messages/{ITEM}",
    ],
)
def test_the_mailbox_is_known_in_every_spelling(resource: str) -> None:
    assert judged(entry(resource=resource)) == (1, {})


@pytest.mark.parametrize(
    "resource",
    [
        f"Users/{OTHER}/Messages/{ITEM}",
        f"users('{OTHER}')/messages('{ITEM}')",
        f"me/users/{MAILBOX}/messages",
        f"groups/{MAILBOX}/threads",
        f"Users/{MAILBOX}0/Messages/{ITEM}",
    ],
)
def test_a_state_sealed_for_another_mailbox_is_forged(resource: str) -> None:
    assert judged(entry(resource=resource)) == (0, {Rejection.FORGED: 1})


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-08:00", "+05:30"])
def test_the_subscription_s_expiry_may_have_any_offset(offset: str) -> None:
    expiry = f"2026-12-01T01:00:00.0000000{offset}"
    assert judged(entry(subscriptionExpirationDateTime=expiry)) == (1, {})


@given(st.dictionaries(st.text().filter(lambda name: name not in entry()), json_values))
def test_unknown_fields_are_passed_over(more: dict[str, Any]) -> None:
    assert judged({**entry(), **more}) == (1, {})


@pytest.mark.parametrize(
    "name", ["subscriptionId", "clientState", "tenantId", "changeType", "resourceData"]
)
def test_an_entry_without_what_every_one_has_is_malformed(name: str) -> None:
    assert judged(without(name)) == (0, {Rejection.MALFORMED: 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"changeType": "moved"},
        {"resourceData": {"id": ""}},
        {"resourceData": {"id": "x" * 1025}},
        {"resourceData": None},
        {"clientState": None},
        {"clientState": "x" * 256},
        {"subscriptionId": ""},
    ],
)
def test_an_entry_of_another_shape_is_malformed(wrong: dict[str, Any]) -> None:
    assert judged(entry(**wrong)) == (0, {Rejection.MALFORMED: 1})


def test_an_entry_of_another_tenant_is_foreign() -> None:
    assert judged(entry(tenantId=str(OTHER))) == (0, {Rejection.FOREIGN: 1})


def test_the_tenant_is_known_in_upper_case() -> None:
    assert judged(entry(tenantId=TENANT.upper())) == (1, {})


def test_good_entries_are_taken_from_among_bad_ones() -> None:
    genuine, rejected = judged(
        entry(), None, "text", 3, [], entry(clientState="made up"), entry(tenantId="other"), entry()
    )
    assert genuine == 2
    assert rejected == {Rejection.MALFORMED: 4, Rejection.FORGED: 1, Rejection.FOREIGN: 1}


@given(st.lists(json_values))
def test_no_entry_is_taken_or_raised_over_without_a_seal(entries: list[Any]) -> None:
    genuine, rejected = judged(*entries)
    assert genuine == 0
    assert sum(rejected.values()) == len(entries)


def test_two_tellings_of_a_version_are_one_message_two_versions_are_not() -> None:
    newer = {**entry()["resourceData"], "@odata.etag": 'W/"2"'}
    verdict = changes_in(
        [entry(), entry(), entry(resourceData=newer)], KEYS, tenant=TENANT, now=NOW
    )
    first, again, changed = (change.id for change in verdict.genuine)
    assert first == again != changed


def test_two_deletions_are_never_one_and_carry_no_version() -> None:
    verdict = changes_in([entry(changeType="deleted")] * 2, KEYS, tenant=TENANT, now=NOW)
    first, second = verdict.genuine
    assert first.id != second.id
    assert first.etag is second.etag is None


def test_an_id_keeps_its_case() -> None:
    data = {"id": "AbC="}
    verdict = changes_in([entry(resourceData=data)], KEYS, tenant=TENANT, now=NOW)
    assert verdict.genuine[0].item == "AbC="


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
def test_a_lifecycle_event_needs_no_resource(event: str) -> None:
    raw = lifecycle(lifecycleEvent=event)
    (found,) = lifecycle_events_in([raw], KEYS, tenant=TENANT, now=NOW).genuine
    assert found.event == event
    assert found.subject == Subject(MAILBOX, Kind.MAIL)
    assert found.noticed == NOW


def test_a_lifecycle_event_with_a_resource_must_be_about_the_sealed_mailbox() -> None:
    wrong = lifecycle(resource=f"Users/{OTHER}/Messages")
    right = lifecycle(resource=f"Users/{MAILBOX}/Messages")
    verdict = lifecycle_events_in([wrong, right], KEYS, tenant=TENANT, now=NOW)
    assert len(verdict.genuine) == 1
    assert verdict.rejected == {Rejection.FORGED: 1}


def test_an_unknown_lifecycle_event_and_a_plain_change_are_malformed() -> None:
    verdict = lifecycle_events_in(
        [lifecycle(lifecycleEvent="exploded"), entry()], KEYS, tenant=TENANT, now=NOW
    )
    assert verdict.rejected == {Rejection.MALFORMED: 2}


def test_a_collection_gives_its_entries_unchecked() -> None:
    assert entries_of(json.dumps({"value": [1, None, {}]}).encode()) == [1, None, {}]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"value": []}', b'{"value": {}}', b"\xff\xfe"]
)
def test_what_is_no_collection_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="not a notification collection"):
        entries_of(body)
