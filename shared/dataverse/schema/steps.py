"""The steps of a plan: each says what is done to which part, and holds the requests for it."""

from dataclasses import dataclass
from enum import StrEnum

from shared.dataverse.batch import Operation
from shared.dataverse.schema.model import Role


class Verb(StrEnum):
    """What a step does."""

    CREATE = "create"
    CHANGE = "change"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, e.g. `create column tether_link.tether_detail`.

    A step that is refused has no requests: `detail` says why and what to do. What is made
    `in_solution` belongs to it. `grants` is a role whose privileges are set last, when all tables
    are there.
    """

    verb: Verb
    part: str
    name: str
    detail: str = ""
    requests: tuple[Operation, ...] = ()
    in_solution: bool = True
    grants: Role | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order in which they must be done; `kept` counts what is as it should be."""

    steps: tuple[Step, ...]
    kept: int

    @property
    def refused(self) -> tuple[Step, ...]:
        """What stands in the way; while there is any, nothing is done."""
        return tuple(step for step in self.steps if step.verb is Verb.REFUSE)
