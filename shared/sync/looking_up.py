"""Looks up what Dynamics knows of items that were read: all that is to be asked, in one batch."""

from collections.abc import Sequence

from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import mailboxes_of
from shared.errors import Transient
from shared.graph.items import Item
from shared.identifiers import MailboxId, SystemUserId
from shared.sync.facts import Facts, Question, learn
from shared.sync.rules import Read, Rules


class LookUp[I: Item, F: Facts, C]:
    """Looks up for one kind; `entity_sets` are those of the tables that rows are regarding."""

    def __init__(self, rules: Rules[I, F, C], dataverse: Dataverse) -> None:
        self._rules = rules
        self._dataverse = dataverse
        self._users: dict[MailboxId, SystemUserId] = {}
        self.entity_sets: dict[str, str] = {}

    async def facts(self, reads: Sequence[Read[I]]) -> F:
        """Return what Dynamics knows of the items.

        Raises:
            Transient: it did not answer.
            Permanent: it will never answer.
        """
        facts = self._rules.facts()
        if not reads:
            return facts
        users = await self._users_of({read.change.mailbox for read in reads})
        await self._ask(facts, self._rules.questions(reads, users))
        await self._ask(facts, self._rules.further_questions(facts, reads))
        for table in facts.regarding_tables - self.entity_sets.keys():
            await self._learn_entity_set(table)
        return facts

    async def _ask(self, facts: F, questions: Sequence[Question[F]]) -> None:
        """Ask, page by page: an answer holds 5,000 rows at most."""
        while questions:
            answers = await self._dataverse.batch([question.operation for question in questions])
            questions = learn(facts, zip(questions, answers, strict=True))

    async def _users_of(self, mailboxes: set[MailboxId]) -> dict[MailboxId, SystemUserId]:
        """Return whose the mailboxes are; asked once, everything else is read anew."""
        unknown = mailboxes - self._users.keys()
        for response in await self._dataverse.batch(mailboxes_of(unknown)) if unknown else []:
            if not response.ok:
                raise Transient(response.problem, retry_after=response.retry_after)
            for row in response.body["value"]:
                owner = SystemUserId(row["_tether_systemuserid_value"] or "")
                self._users[MailboxId(row["tether_mailboxid"])] = owner
        return {mailbox: self._users[mailbox] for mailbox in mailboxes & self._users.keys()}

    async def _learn_entity_set(self, table: str) -> None:
        rows = await self._dataverse.read_all(
            f"EntityDefinitions?$select=LogicalName,EntitySetName&$filter=LogicalName eq '{table}'"
        )
        if not rows:
            raise Transient(f"Dataverse does not show the definition of {table}; check the role")
        self.entity_sets[table] = rows[0]["EntitySetName"]
