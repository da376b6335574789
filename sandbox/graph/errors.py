"""Graph's refusals: one exception, rendered as the error envelope (graph.md 1.7)."""

from datetime import datetime
from typing import Any


class GraphError(Exception):
    """A request is refused: HTTP status, `error.code`, message, Retry-After in seconds."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """Return the refusal of a request that is malformed."""
    return GraphError(400, code, message)


def item_not_found() -> GraphError:
    """Return the refusal for an item that is gone or never was (graph.md 2.4)."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def access_denied() -> GraphError:
    """Return the refusal for a token without the role."""
    return GraphError(
        403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
    )


def envelope(
    code: str, message: str, *, now: datetime, request_id: str, client_request_id: str
) -> dict[str, Any]:
    """Return the body of an error answer."""
    inner = {
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    return {"error": {"code": code, "message": message, "innerError": inner}}
