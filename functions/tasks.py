"""Consumes the queue `tasks`: a batch of changes is reconciled, and every change settled.

What Graph's notifications tell does not say in which list: its mailbox is polled
(shared/sync/hinted.py).
"""

from typing import List

import azure.functions as func

from shared.bootstrap import app
from shared.identifiers import Kind

blueprint = func.Blueprint()


@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    queue_name="tasks",
    connection="ServiceBusConnection",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def tasks(messages: List[func.ServiceBusMessage]) -> None:
    """Reconcile the tasks the messages are about."""
    consumer = (await app()).consumers[Kind.TASKS]
    await consumer.consume([(message.message_id, message.get_body()) for message in messages])
