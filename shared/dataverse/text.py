"""Text as Dataverse takes it: no characters it refuses, no longer than the column."""

import re

# What XML 1.0, and so Dataverse, does not know: control characters and lone surrogates.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return `text` with what Dataverse refuses replaced by U+FFFD, NUL and its kin dropped."""
    return _REFUSED.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else "", text)


def fit(text: str, length: int) -> str:
    """Return clean `text` of at most `length` UTF-16 units, never cut within a character."""
    cleaned = clean(text)
    if len(cleaned) * 2 <= length:
        return cleaned
    return cleaned.encode("utf-16-le")[: length * 2].decode("utf-16-le", errors="ignore")
