"""The seal on a subscription: opened by whoever has the key, and by nobody else."""

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import Kind, MailboxId

TENANT = "3f9d8c11-7f4e-4d5e-9a60-0c0ffee00001"
OTHER_TENANT = "3f9d8c11-7f4e-4d5e-9a60-0c0ffee00002"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))

subjects = st.builds(
    lambda uuid: Subject(MailboxId(str(uuid)), Kind.MAIL), st.uuids(allow_nil=True)
)


@given(subjects)
def test_what_is_sealed_opens_to_what_it_is_for(subject: Subject) -> None:
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    assert keys.open(keys.seal(subject)) == subject


@given(subjects)
def test_it_fits_into_what_graph_allows(subject: Subject) -> None:
    assert len(ClientStateKeys(TENANT, {"k1234567": OLD}).seal(subject)) <= 128


@given(subjects)
def test_after_rotation_old_states_open_and_the_new_key_seals(subject: Subject) -> None:
    before = ClientStateKeys(TENANT, {"k1": OLD})
    after = ClientStateKeys(TENANT, {"k2": NEW, "k1": OLD})
    old, new = before.seal(subject), after.seal(subject)
    assert after.open(old) == after.open(new) == subject
    assert before.open(new) is None
    assert after.is_current(new)
    assert not after.is_current(old)


@given(subjects)
def test_a_key_that_is_gone_opens_nothing(subject: Subject) -> None:
    state = ClientStateKeys(TENANT, {"k1": OLD}).seal(subject)
    assert ClientStateKeys(TENANT, {"k2": NEW}).open(state) is None


@given(subjects)
def test_a_key_of_the_same_name_but_another_value_opens_nothing(subject: Subject) -> None:
    state = ClientStateKeys(TENANT, {"k1": OLD}).seal(subject)
    assert ClientStateKeys(TENANT, {"k1": NEW}).open(state) is None


@given(subjects)
def test_another_tenant_s_state_is_forged_even_with_the_same_key(subject: Subject) -> None:
    state = ClientStateKeys(OTHER_TENANT, {"k1": OLD}).seal(subject)
    assert ClientStateKeys(TENANT, {"k1": OLD}).open(state) is None


@given(subjects, st.data())
def test_any_one_character_changed_makes_it_forged(subject: Subject, data: st.DataObject) -> None:
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    state = keys.seal(subject)
    at = data.draw(st.integers(0, len(state) - 1))
    other = data.draw(st.characters(exclude_characters=state[at]))
    assert keys.open(state[:at] + other + state[at + 1 :]) is None


@given(subjects, st.sampled_from(range(4)), st.text())
def test_every_part_is_sealed(subject: Subject, part: int, other: str) -> None:
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    parts = keys.seal(subject).split(".")
    assume(parts[part] != other)
    parts[part] = other
    assert keys.open(".".join(parts)) is None


@given(subjects, st.uuids())
def test_a_seal_is_good_for_one_mailbox_only(subject: Subject, other: UUID) -> None:
    assume(str(other) != subject.mailbox)
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    key_id, kind, _, seal = keys.seal(subject).split(".")
    assert keys.open(f"{key_id}.{kind}.{other.hex}.{seal}") is None


@given(st.text())
def test_garbage_is_turned_away(garbage: str) -> None:
    assert ClientStateKeys(TENANT, {"k1": OLD}).open(garbage) is None


@pytest.mark.parametrize("more", ["x", ".", ".x", " ", "\n", "="])
def test_nothing_may_follow_or_precede_the_seal(more: str) -> None:
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    state = keys.seal(Subject(MailboxId("6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c33"), Kind.MAIL))
    assert keys.open(state + more) is None
    assert keys.open(more + state) is None


def test_the_mailbox_in_another_spelling_is_not_what_was_sealed() -> None:
    keys = ClientStateKeys(TENANT, {"k1": OLD})
    state = keys.seal(Subject(MailboxId("6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c33"), Kind.MAIL))
    assert keys.open(state.replace("6f0c2a5e1b7d", "6F0C2A5E1B7D")) is None
