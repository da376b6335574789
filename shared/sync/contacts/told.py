"""What one mailbox's contact has told its row so far; stands on the link as JSON. Pure.

With it a change is known field by field: what was edited in Dynamics, or told by another seller's
contact, stays until Outlook says something else there. Digests alone are kept: what the contact
says stands in Dynamics already.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.dataverse.contacts import Columns

_DIGEST_DIGITS = 12


class Told(BaseModel):
    """What was told: digests by column, of nothing none.

    `account` is the parent that Tether gave the row for this contact's company, if it did.
    """

    model_config = ConfigDict(frozen=True)

    account: str = ""
    fields: Mapping[str, str] = {}

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what stands on a link; nothing was told if somebody edited it into nonsense."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls()

    @classmethod
    def of(cls, columns: Columns, account: str) -> Self:
        """Return what has been told once `columns` are."""
        fields = {column: digest(value) for column, value in columns.items() if value}
        return cls(account=account, fields=fields)

    def written(self) -> str:
        """Return it as it stands on the link."""
        return self.model_dump_json()

    def news(self, columns: Columns) -> dict[str, str | None]:
        """Return what of `columns` has not been told; at first that is all that is not empty."""
        return {
            column: value
            for column, value in columns.items()
            if (digest(value) if value else None) != self.fields.get(column)
        }


def digest(value: str) -> str:
    """Return what a value is known by."""
    return sha256(value.encode()).hexdigest()[:_DIGEST_DIGITS]
