"""Whether the item that was read is still the one to follow. Pure.

An item is read before its link. Another instance may have read a later version and have let the row
follow it in between: then the earlier one must not be written over it. So the link keeps which
version its row follows, and writes to it are guarded.
"""

from shared.dataverse.links import Link, Version
from shared.graph.items import Item

_BELIEVED_AFTER = 3  # tries


def version_of(item: Item) -> Version | None:
    """Return which version an item is in; None where Graph does not say."""
    return Version(item.modified, item.etag) if item.modified and item.etag else None


def is_older(item: Item | None, link: Link | None, attempt: int) -> bool:
    """Tell whether a row follows a later version already: what was read is out of date.

    What is still older after some tries is what there is: servers' clocks may differ.
    """
    known = link.version if link and attempt < _BELIEVED_AFTER else None
    return bool(item and known and item.modified and item.modified < known.modified)


def may_be_older(item: Item | None, link: Link | None) -> bool:
    """Tell whether two versions are of the same moment, so that either may be the later."""
    known = link.version if link else None
    return bool(item and known and item.modified == known.modified and item.etag != known.etag)
