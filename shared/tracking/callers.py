"""Who calls the API, and whether they may: by what the tenant says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.identifiers import MailboxId
from shared.tracking.problems import Refusal

SCOPE = "access_as_user"
"""What a person consents to: that the add-in or script acts as themselves."""


class Authentication(StrEnum):
    """Who finds out who calls: the app by their token, or App Service Authentication before it."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    APPSERVICE = "appservice"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: their own mailbox (the Entra object id, lower case), and whether all are theirs.

    An application has no mailbox; its own id stands there.
    """

    mailbox: MailboxId
    is_administrator: bool
    name: str


class Callers(Protocol):
    """Tells who calls by a request's headers."""

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """Return who calls; `headers` are found in any case.

        Raises:
            Refusal: nobody the API knows, or somebody who may not use it.
        """


@dataclass(frozen=True, slots=True)
class Standing:
    """What the tenant says of who calls; `scopes` None: it says nothing of scopes."""

    object_id: str
    name: str
    scopes: frozenset[str] | None
    roles: frozenset[str]
    is_application: bool


def admitted(standing: Standing, administrator_role: str) -> Caller:
    """Return the caller, if they may use the API.

    A person needs the scope, an application the administrator's role.

    Raises:
        Refusal: they may not.
    """
    is_administrator = administrator_role in standing.roles
    if standing.is_application and not is_administrator:
        raise Refusal("no-access", 403, f"The application has not the role {administrator_role}.")
    if not standing.is_application and standing.scopes is not None and SCOPE not in standing.scopes:
        raise Refusal("no-access", 403, f"The token lacks the scope {SCOPE}.")
    try:
        mailbox = MailboxId(str(UUID(standing.object_id)))
    except ValueError:
        raise Refusal("token-refused", 401, "The object id is not a GUID.") from None
    return Caller(mailbox, is_administrator, standing.name)


def mailbox_for(caller: Caller, named: UUID | None) -> MailboxId:
    """Return the mailbox a request is about: the one named, else the caller's own.

    Raises:
        Refusal: it is another person's, and the caller is no administrator.
    """
    mailbox = MailboxId(str(named)) if named else caller.mailbox
    if mailbox != caller.mailbox and not caller.is_administrator:
        raise Refusal("not-your-mailbox", 403)
    return mailbox


class Unconfigured:
    """Turns everybody away, because nothing says how callers are known."""

    def __init__(self, detail: str) -> None:
        self._detail = detail

    async def caller(self, headers: Mapping[str, str]) -> Caller:  # noqa: ARG002 - see `Callers`
        """See `Callers.caller`."""
        raise Refusal("api-not-configured", 503, self._detail)
