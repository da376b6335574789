"""What a `tether_mailbox` row tells of its subscriptions: three columns for each kind of item."""

from dataclasses import dataclass

from pydantic import AwareDatetime

from shared.identifiers import Kind

KINDS = (Kind.MAIL, Kind.CALENDAR, Kind.CONTACTS)
"""The kinds that have columns, whether or not they are subscribed to."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to one kind of item in one mailbox, or to one of its To Do lists.

    `seal` is what it was made with: which key, and which address.
    """

    id: str
    expires: AwareDatetime
    seal: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The schema names of one kind's columns."""

    id: str
    expires: str
    seal: str

    @property
    def logical_names(self) -> tuple[str, str, str]:
        """The names in rows and queries."""
        return self.id.lower(), self.expires.lower(), self.seal.lower()


def columns_of(kind: Kind) -> Columns:
    """Return where the subscription to `kind` stands."""
    stem = f"tether_{kind.title()}Subscription"
    return Columns(f"{stem}Id", f"{stem}ExpiresOn", f"{stem}Seal")
