"""What can stand between a seller and a saved item: each trouble by its code, with its remedy."""

from shared.catalogue.catalogue import Entry, entries, entry, explain

__all__ = ["Entry", "entries", "entry", "explain"]
