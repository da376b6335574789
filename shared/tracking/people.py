"""Who the people are in Dynamics: whose a mailbox is, and who calls."""

from dataclasses import dataclass

from shared.dataverse import mailboxes
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import MailboxState, ReadyMailbox
from shared.dataverse.rows import read_rows
from shared.errors import Transient
from shared.identifiers import MailboxId, SystemUserId
from shared.tracking.callers import Caller
from shared.tracking.problems import Refusal


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a mailbox is, and whether it is enrolled."""

    systemuser: SystemUserId
    is_enrolled: bool


class People:
    """Knows people by their Entra object ids; one for a process."""

    def __init__(self, dataverse: Dataverse) -> None:
        self._dataverse = dataverse

    async def owner_of(self, mailbox: MailboxId) -> Owner:
        """Return whose a mailbox is; one nobody has enrolled gets a row, so that requests can wait.

        Raises:
            Refusal: its owner is no user of Dynamics.
            Transient: Dataverse did not answer.
        """
        for row in await read_rows(self._dataverse, mailboxes.mailboxes_of([mailbox])):
            if user := row["_tether_systemuserid_value"]:
                enrolled = row["tether_state"] == MailboxState.ENROLLED
                return Owner(SystemUserId(user), enrolled)
        for user in await read_rows(self._dataverse, mailboxes.users_with([mailbox])):
            owner = SystemUserId(user["systemuserid"])
            awaited = ReadyMailbox(mailbox, owner, user["internalemailaddress"] or "")
            (answer,) = await self._dataverse.batch([mailboxes.expect(awaited)])
            if not (answer.ok or answer.has_moved_on):
                raise Transient(answer.problem, retry_after=answer.retry_after)
            return Owner(owner, is_enrolled=False)
        raise Refusal("user-not-in-dynamics", 409)

    async def user_of(
        self, caller: Caller, mailbox: MailboxId, owner: Owner
    ) -> SystemUserId | None:
        """Return who calls, in Dynamics; None for an application, or who is no user there.

        Raises:
            Transient: Dataverse did not answer.
        """
        if caller.mailbox == mailbox:
            return owner.systemuser
        found = await read_rows(self._dataverse, mailboxes.users_with([caller.mailbox]))
        return next((SystemUserId(user["systemuserid"]) for user in found), None)
