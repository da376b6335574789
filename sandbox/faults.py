"""What goes wrong on purpose: each service asks here before and after it acts."""

import asyncio
import random
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

Action = Literal[
    "status",  # answer with `status`, without acting
    "drop",  # close the connection without acting
    "drop-after",  # act, then close the connection without an answer
    "hold",  # wait until the fault is cleared, then act
    "hold-after",  # act, then wait until the fault is cleared before answering
    "delay",  # wait `seconds`, then act
    "lose",  # a notification: never deliver it
    "duplicate",  # a notification: deliver it twice
    "reorder",  # a notification: deliver it after the ones that follow
]


class Fault(BaseModel):
    """One thing that goes wrong: where, how often, and what.

    `operation` is a pattern as in a shell, over names such as `POST /$batch`,
    `GET /users/{id}/messages/{id}`, `PATCH emails` or `notify`. The first `skip` matches pass,
    the next `times` (all, when None) are hit, each with `probability`, drawn from `seed`.
    """

    model_config = ConfigDict(extra="forbid")

    service: Literal["graph", "dataverse", "identity"]
    operation: str = "*"
    action: Action
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    status: int = Field(default=503, ge=400, le=599)
    code: str | None = None
    message: str | None = None
    retry_after: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    hits: int = Field(default=0, ge=0)

    _cleared: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)
    _random: random.Random = PrivateAttr(default_factory=random.Random)

    def model_post_init(self, context: object, /) -> None:  # noqa: ARG002 - pydantic's signature
        """Make the draws repeatable: one seed gives one run."""
        self._random.seed(self.seed)

    def strikes(self, service: str, operation: str) -> bool:
        """Tell whether this call is hit, and count it."""
        if service != self.service or not fnmatchcase(operation, self.operation):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if (self.times is not None and self.hits >= self.times) or self._cleared.is_set():
            return False
        if self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def clear(self) -> None:
        """End the fault; what it holds goes on."""
        self._cleared.set()

    async def cleared(self) -> None:
        """Wait until the fault is cleared."""
        await self._cleared.wait()


class FaultPlan:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def faults(self) -> list[Fault]:
        """The faults in force, with how often each has struck."""
        return list(self._faults)

    def replace(self, faults: list[Fault]) -> None:
        """Put `faults` in force instead of those before, which are cleared."""
        for fault in self._faults:
            fault.clear()
        self._faults = list(faults)

    def strike(self, service: str, operation: str, *actions: Action) -> Fault | None:
        """Return the first fault that hits this call; with `actions`, only of those sorts."""
        for fault in self._faults:
            if (not actions or fault.action in actions) and fault.strikes(service, operation):
                return fault
        return None
