"""W3C trace context: each invocation is a span of its caller's trace, or starts a new one."""

import re
import secrets

from sandbox.functionshost.protos import TraceContext

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def trace_context(parent: str | None = None, state: str = "") -> TraceContext:
    """Return the context of a new span under `parent` (a traceparent); a bad parent is ignored."""
    match = _TRACEPARENT.fullmatch(parent.strip().lower()) if parent else None
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return TraceContext(trace_parent=f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00")
    return TraceContext(
        trace_parent=f"00-{match[1]}-{secrets.token_hex(8)}-{match[3]}", trace_state=state
    )
