"""Whether this machine's clock is right, by the Date that Graph answers with."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from cli.doctor.findings import Finding, failed, ok, warning

CHECK = "clock"
_ANSWER_SECONDS = 20
_NOTICED, _REFUSED = 30, 300  # seconds; Entra ID and the services take up to five minutes


async def check_clock(graph_endpoint: str, now: Callable[[], datetime]) -> Finding:
    """Ask Graph for the time; an answer that refuses has it, too."""
    try:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS) as client:
            answer = await client.get(f"{graph_endpoint}/v1.0/")
        told = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        message = f"Graph does not answer at {graph_endpoint}: {str(error) or type(error).__name__}"
        remedy = "check GRAPH_ENDPOINT, the network, and the proxy between here and there"
        return failed("graph", message, remedy)
    skew = (now() - told).total_seconds()
    way = "ahead" if skew > 0 else "behind"
    message, remedy = f"{abs(skew):.0f} s {way} of Graph's", "let this machine synchronize its time"
    if abs(skew) > _REFUSED:
        return failed(CHECK, f"{message}: tokens are refused", remedy)
    return warning(CHECK, message, remedy) if abs(skew) > _NOTICED else ok(CHECK, message)
