import time

import pytest
from azure.servicebus._pyamqp.utils import generate_sas_token

from sandbox.servicebus.broker.errors import BrokerError
from sandbox.servicebus.tokens import Gate, entity_path

GATE = Gate("policy", "key")
KIND = "servicebus.windows.net:sastoken"
QUEUE = "sb://127.0.0.1:5672/mail"


def _token(
    *, audience: str = QUEUE, policy: str = "policy", key: str = "key", seconds: int = 3600
) -> str:
    expiry = int(time.time()) + seconds
    token = generate_sas_token(audience, policy, key, expiry)  # type: ignore[no-untyped-call]  # the SDK's own
    return str(token)


@pytest.mark.parametrize("kind", [KIND, "jwt"])
@pytest.mark.parametrize("audience", [QUEUE, "sb://127.0.0.1:5672/", "sb://127.0.0.1:5672/MAIL"])
def test_the_clients_own_signature_is_admitted(kind: str, audience: str) -> None:
    GATE.admit(kind, _token(audience=audience), QUEUE)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (_token(key="guess"), "Invalid signature"),
        (_token(policy="other"), "Unknown shared access policy"),
        (_token(seconds=-1), "expired"),
        (_token(audience="sb://127.0.0.1:5672/ma"), "not for"),
        (_token(audience="sb://127.0.0.1:5672/mail/sub"), "not for"),
        ("SharedAccessSignature sr=a&sig=b", "Malformed"),
        ("Bearer nothing", "Malformed"),
    ],
)
def test_other_signatures_are_refused(token: str, why: str) -> None:
    with pytest.raises(BrokerError, match=why):
        GATE.admit(KIND, token, QUEUE)


def test_a_jwt_needs_somebody_to_judge_it() -> None:
    with pytest.raises(BrokerError, match="unauthorized"):
        GATE.admit("jwt", "e30.e30.e30", QUEUE)
    with pytest.raises(BrokerError, match="unauthorized"):
        GATE.admit("saml", _token(), QUEUE)


def test_addresses_lead_to_entities() -> None:
    assert entity_path("amqps://host:5672/Queue/$DeadLetterQueue") == "queue/$deadletterqueue"
    assert entity_path("queue/$management") == "queue/$management"
    assert entity_path("sb://host") == ""
