"""Why the broker refuses; the conditions and status codes clients act on (service-bus.md 1.7)."""


class BrokerError(Exception):
    """A refusal: the AMQP `condition`, a `description`, and the `status` of a management reply."""

    def __init__(self, condition: str, description: str, status: int = 500) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description
        self.status = status


def unauthorized(description: str) -> BrokerError:
    """No valid token for this entity on this connection."""
    return BrokerError("amqp:unauthorized-access", description, 401)


def not_found(name: str) -> BrokerError:
    """No entity of that name is declared."""
    return BrokerError("amqp:not-found", f"The messaging entity '{name}' could not be found.", 404)


def not_allowed(description: str) -> BrokerError:
    """The entity's settings rule it out."""
    return BrokerError("amqp:not-allowed", description, 400)


def not_implemented(what: str) -> BrokerError:
    """Service Bus can, this broker cannot."""
    return BrokerError("amqp:not-implemented", f"{what}: not supported here.", 501)


def invalid(description: str) -> BrokerError:
    """An argument is missing or out of range."""
    return BrokerError("com.microsoft:argument-error", description, 400)


def decode_failed(description: str) -> BrokerError:
    """The message is not one."""
    return BrokerError("amqp:decode-error", description, 400)


def message_too_large(size: int, limit: int) -> BrokerError:
    """A message or batch above the entity's limit."""
    text = f"The message of {size} bytes exceeds the limit of {limit} bytes."
    return BrokerError("amqp:link:message-size-exceeded", text, 400)


def entity_full(name: str) -> BrokerError:
    """The entity holds as much as it may."""
    text = f"The maximum size of the entity '{name}' has been reached."
    return BrokerError("amqp:resource-limit-exceeded", text, 403)


def message_lock_lost() -> BrokerError:
    """The lock expired, was settled before, or was never given."""
    text = "The lock supplied is invalid: it expired, or the message was already settled."
    return BrokerError("com.microsoft:message-lock-lost", text, 410)


def session_lock_lost(session_id: str) -> BrokerError:
    """The session is no longer, or was never, the caller's."""
    text = f"The session lock on '{session_id}' has expired or was released."
    return BrokerError("com.microsoft:session-lock-lost", text, 410)


def session_cannot_be_locked(session_id: str) -> BrokerError:
    """Another receiver holds the session."""
    text = f"The requested session '{session_id}' cannot be accepted: another receiver holds it."
    return BrokerError("com.microsoft:session-cannot-be-locked", text, 410)


def message_not_found(sequence: int) -> BrokerError:
    """No message that could be had by this sequence number."""
    text = f"No message with the sequence number {sequence} was found."
    return BrokerError("com.microsoft:message-not-found", text, 404)


def no_session_in_time() -> BrokerError:
    """No session had a message while the receiver waited."""
    text = "No session with messages became available in time."
    return BrokerError("com.microsoft:timeout", text, 408)
