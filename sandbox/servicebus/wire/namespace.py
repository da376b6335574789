"""What every connection shares."""

from dataclasses import dataclass

from sandbox.servicebus.broker.broker import Broker
from sandbox.servicebus.faults import FaultPlan
from sandbox.servicebus.tokens import Gate


@dataclass(frozen=True, slots=True)
class Namespace:
    """The broker, who may come in, and what goes wrong on the way."""

    broker: Broker
    gate: Gate
    faults: FaultPlan
    container_id: str
