"""How connections become clients; messages over AMQP are shown by the contract tests."""

import pytest

from sandbox.functionshost.azurebus import AzureSource
from sandbox.functionshost.functions import ServiceBusTrigger
from sandbox.functionshost.settings import Connection


def _trigger(connection: Connection) -> ServiceBusTrigger:
    return ServiceBusTrigger(
        parameter="m",
        connection=connection,
        entity="q",
        subscription=None,
        many=True,
        sessions=False,
        data_type="BINARY",
        auto_complete=None,
    )


@pytest.mark.parametrize(
    "connection",
    [
        Connection(namespace="n.servicebus.windows.net"),
        Connection(namespace="n.servicebus.windows.net", credential="managedidentity"),
        Connection(
            namespace="n.servicebus.windows.net", credential="ManagedIdentity", client_id="1"
        ),
        Connection(connection_string="Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=b"),
    ],
)
async def test_opens_nothing_until_asked_and_closes_cleanly(connection: Connection) -> None:
    await AzureSource(_trigger(connection), 0).close()


def test_refuses_what_is_no_connection_string() -> None:
    with pytest.raises(ValueError, match=r"[Cc]onnection string"):
        AzureSource(_trigger(Connection(connection_string="nonsense")), 0)
