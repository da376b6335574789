"""The people of the tenant: who has a mailbox, and who they are in Dynamics."""

from uuid import NAMESPACE_DNS, UUID, uuid5

from pydantic import BaseModel, ConfigDict

DOMAIN = "contoso.example"
NAMES = (
    "Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Edsger Dijkstra",
    "Barbara Liskov", "Donald Knuth", "Radia Perlman", "Tony Hoare", "Frances Allen",
)  # fmt: skip


class Person(BaseModel):
    """A user with an Outlook mailbox who is a user of Dynamics, too.

    `incoming_email_filtering_method` is the personal option on the E-mail tab
    (server-side-sync.md 1.2): 0 all, 1 replies, 2 from leads, contacts and accounts, 3 from
    email-enabled records, 4 none. `ready` says whether server-side sync is set up, approved,
    tested and enabled for the mailbox; where it is not, `approved` says whether the address is
    approved all the same.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    upn: str
    display_name: str
    systemuserid: str
    password: str = "sandbox"  # noqa: S105 - everybody's, and no secret
    incoming_email_filtering_method: int = 1
    ready: bool = True
    approved: bool = False


class Group(BaseModel):
    """A group of the directory; `members` are the ids of people and of other groups."""

    model_config = ConfigDict(frozen=True)

    id: str
    mail: str
    display_name: str
    members: tuple[str, ...]


class Tenant(BaseModel):
    """One organisation: its directory id, its people and their groups."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    people: tuple[Person, ...]
    groups: tuple[Group, ...] = ()

    def stable_id(self, what: str) -> str:
        """Return an id that is the same in every run, e.g. for the service principal."""
        return str(uuid5(UUID(self.tenant_id), what))


def make_tenant(mailboxes: int = 5, *, domain: str = DOMAIN) -> Tenant:
    """Return a tenant with that many people, the same in every run."""
    tenant_id = uuid5(NAMESPACE_DNS, domain)
    return Tenant(
        tenant_id=str(tenant_id),
        people=tuple(_person(tenant_id, number, domain) for number in range(mailboxes)),
    )


def _person(tenant_id: UUID, number: int, domain: str) -> Person:
    name = NAMES[number % len(NAMES)]
    first = name.split()[0].lower()
    alias = first if number < len(NAMES) else f"{first}{number}"
    return Person(
        id=str(uuid5(tenant_id, f"user {number}")),
        upn=f"{alias}@{domain}",
        display_name=name if number < len(NAMES) else f"{name} {number}",
        systemuserid=str(uuid5(tenant_id, f"systemuser {number}")),
    )
