"""The `$cbs` node, where clients put tokens (service-bus.md 4.2)."""

from typing import TYPE_CHECKING

from sandbox.servicebus.amqp.types import Int
from sandbox.servicebus.broker.errors import BrokerError, invalid
from sandbox.servicebus.tokens import entity_path

if TYPE_CHECKING:
    from sandbox.servicebus.wire.connection import Connection
    from sandbox.servicebus.wire.requests import Properties


class CbsNode:
    """Judges tokens, and opens to the connection what they are for."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def respond(self, properties: "Properties", body: object) -> tuple["Properties", object] | None:
        """Answer a put-token request with 202, or 401 and why."""
        status, description = 202, "Accepted"
        try:
            self._put_token(properties, body)
        except BrokerError as problem:
            status, description = problem.status, f"{problem.condition}: {problem.description}"
        return {"status-code": Int(status), "status-description": description}, None

    def _put_token(self, properties: "Properties", token: object) -> None:
        audience, kind = properties.get("name"), properties.get("type")
        if properties.get("operation") != "put-token":
            raise invalid(f"$cbs knows no operation '{properties.get('operation')}'.")
        if not isinstance(audience, str) or not isinstance(kind, str) or not isinstance(token, str):
            raise invalid("A token comes with its type and the address it is for.")
        self._connection.check_faults(entity_path(audience), "cbs")
        self._connection.namespace.gate.admit(kind, token, audience)
        self._connection.authorise(entity_path(audience))
