"""Where a link leads: the address says which node, the direction says which end of it."""

from typing import TYPE_CHECKING

from sandbox.servicebus.amqp.performatives import Attach
from sandbox.servicebus.amqp.termini import address, filters
from sandbox.servicebus.broker.errors import invalid
from sandbox.servicebus.broker.queue import SessionWanted
from sandbox.servicebus.tokens import entity_path
from sandbox.servicebus.wire.cbs import CbsNode
from sandbox.servicebus.wire.entity_links import SESSION_FILTER, EntityReceiver, EntitySender
from sandbox.servicebus.wire.management import ManagementNode
from sandbox.servicebus.wire.requests import Node, RequestLink, ResponseLink

if TYPE_CHECKING:
    from sandbox.servicebus.wire.session import Session

_CBS, _MANAGEMENT = "$cbs", "/$management"
_TIMEOUT = "com.microsoft:timeout"
_DEFAULT_WAIT = 60.0


def attach(session: "Session", link: Attach) -> None:
    """Attach a link to its node.

    Raises:
        BrokerError: there is no such node, no token for it, or it refuses.
    """
    named = address(link.source if link.role else link.target)
    if named is None:
        raise invalid("A link needs an address.")
    path = entity_path(named)
    if path == _CBS:
        _attach_requests(session, link, path, CbsNode(session.connection))
        return
    entity = path.removesuffix(_MANAGEMENT)
    session.connection.check_authorised(entity)
    session.connection.check_faults(entity, "drop-connection", "attach")
    if entity != path:
        _attach_requests(session, link, path, ManagementNode(session.connection, entity))
    elif link.role:
        queue = session.namespace.broker.queue(entity)
        EntityReceiver(session, link, queue).open(_session_wanted(link))
    else:
        EntitySender(session, link, entity)


def _attach_requests(session: "Session", link: Attach, path: str, node: Node) -> None:
    if link.role:
        ResponseLink(session, link, path)
    else:
        RequestLink(session, link, path, node)


def _session_wanted(link: Attach) -> SessionWanted | None:
    """Read the session filter of a receiver and how long it waits for a session (4.6)."""
    asked = filters(link.source)
    if SESSION_FILTER not in asked:
        return None
    session_id = asked[SESSION_FILTER]
    if not isinstance(session_id, str | None):
        raise invalid("A session id is a string.")
    properties = link.properties if isinstance(link.properties, dict) else {}
    wait = properties.get(_TIMEOUT)
    return SessionWanted(session_id, wait / 1000 if isinstance(wait, int) else _DEFAULT_WAIT)
