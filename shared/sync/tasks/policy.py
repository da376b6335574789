"""What an organisation may decide about tasks; the default is the product's rule (3.1)."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of an open row whose task was deleted in Outlook."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """How rows end (server-side-sync.md 3.1). One that is completed or canceled always stays."""

    deleted: Fate = Fate.DELETE
