"""The versions of items that were reconciled lately: a notification of one of them tells nothing.

Exchange raises one to three `updated` for one new mail, and Tether's own category raises another
(graph.md 2.3). A miss costs a read, never correctness, so a process keeps its own and forgets.
"""

from collections import OrderedDict

from shared.changes import Change
from shared.identifiers import ItemId, MailboxId

_KEPT = 20_000


class SeenVersions:
    """The last reconciled ETag of items, as many as fit."""

    def __init__(self) -> None:
        self._etags: OrderedDict[tuple[MailboxId, ItemId], str] = OrderedDict()

    def note(self, mailbox: MailboxId, item: ItemId, etag: str) -> None:
        """Remember that both sides agreed on this version."""
        self._etags[mailbox, item] = etag
        self._etags.move_to_end((mailbox, item))
        if len(self._etags) > _KEPT:
            self._etags.popitem(last=False)

    def tells_nothing(self, change: Change) -> bool:
        """Tell whether a change names the very version both sides last agreed on."""
        known = self._etags.get((change.mailbox, change.item))
        return bool(change.etag) and known == change.etag and not change.looked_before
