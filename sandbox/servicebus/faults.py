"""What goes wrong on purpose: the wire asks here at named points, before it acts."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Point = Literal[
    "attach",  # refuse a link with `condition`
    "cbs",  # refuse a token
    "send",  # reject a message or batch, which is not stored
    "send-noack",  # store it, but never say so
    "deliver",  # detach the link instead of delivering; the message stays locked
    "settle",  # reject a settlement, which is not applied
    "settle-noack",  # apply it, but never say so
    "management",  # answer a request with `condition` and `status`
    "drop-connection",  # close the connection when a transfer, disposition or attach comes in
    "latency",  # send everything `seconds` late
]


class Fault(BaseModel):
    """One thing that goes wrong: where, how often, and what the client is told.

    `entity` limits it to one queue or subscription. The first `skip` times pass, the next `times`
    (all, when None) are hit; so "the third settlement on mail is not acknowledged" is
    `Fault(point="settle-noack", entity="mail", skip=2)`. With `disconnect` the connection is
    dropped as well, without another word.
    """

    model_config = ConfigDict(extra="forbid")

    point: Point
    entity: str | None = None
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    condition: str = "com.microsoft:server-busy"
    description: str = "The service is busy; this failure was asked for."
    status: int = Field(default=503, ge=400, le=599)
    disconnect: bool = False
    seconds: float = Field(default=0.0, ge=0)
    hits: int = Field(default=0, ge=0)

    def strikes(self, point: str, entity: str | None) -> bool:
        """Tell whether this moment is hit, and count it."""
        if point != self.point or (self.entity and self.entity.lower() != (entity or "").lower()):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


class FaultPlan:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def faults(self) -> list[Fault]:
        """The faults in force, with how often each has struck."""
        return list(self._faults)

    def add(self, fault: Fault) -> None:
        """Put one more fault in force."""
        self._faults.append(fault)

    def replace(self, faults: list[Fault]) -> None:
        """Put `faults` in force instead of those before."""
        self._faults = list(faults)

    def clear(self) -> None:
        """Let everything go right again."""
        self._faults = []

    def strike(self, point: Point, entity: str | None = None) -> Fault | None:
        """Return the first fault that hits this moment."""
        return next((fault for fault in self._faults if fault.strikes(point, entity)), None)
