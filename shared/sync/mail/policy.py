"""What the organisation has decided about mail, beyond its options in Dynamics."""

from dataclasses import dataclass
from enum import StrEnum


class PrivateMail(StrEnum):
    """What becomes of mail its sender has called personal, private or confidential."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """`private`: by hand only unless decided otherwise. `attachments`: files come along."""

    private: PrivateMail = PrivateMail.MANUAL
    attachments: bool = False
