"""The `clientState` of a subscription: what it is for, sealed, so that nothing is looked up.

Written `<key id>.<kind>.<mailbox>.<seal>`; the seal is an HMAC-SHA256 over tenant, mailbox, kind.
Lifecycle notifications need not name a resource, so the mailbox stands in the state itself. About
100 of the 128 characters Graph allows (graph.md 1.1).
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from shared.identifiers import Kind, MailboxId


@dataclass(frozen=True, slots=True)
class Subject:
    """What a subscription is for: one kind of item in one mailbox."""

    mailbox: MailboxId
    kind: Kind


class ClientStateKeys:
    """Seals and opens client states; the first key seals, every key opens, so that keys rotate."""

    def __init__(self, tenant: str, keys: Mapping[str, bytes]) -> None:
        self._tenant = tenant
        self._keys = dict(keys)

    @property
    def current(self) -> str:
        """The id of the key that seals now."""
        return next(iter(self._keys))

    def seal(self, subject: Subject) -> str:
        """Return the client state for a subscription."""
        return self._write(self.current, subject)

    def open(self, client_state: str) -> Subject | None:
        """Return what a genuine client state is for; None for any other text."""
        key_id, _, rest = client_state.partition(".")
        kind, _, rest = rest.partition(".")
        mailbox = rest.partition(".")[0]
        try:
            subject = Subject(MailboxId(str(UUID(mailbox))), Kind(kind))
        except ValueError:
            return None
        if key_id not in self._keys:
            return None
        genuine = self._write(key_id, subject)
        return subject if hmac.compare_digest(genuine.encode(), client_state.encode()) else None

    def is_current(self, client_state: str) -> bool:
        """Tell whether a state was sealed with the key that seals now."""
        return client_state.partition(".")[0] == self.current

    def _write(self, key_id: str, subject: Subject) -> str:
        told = f"{self._tenant}|{subject.mailbox}|{subject.kind}".encode()
        digest = hmac.new(self._keys[key_id], told, sha256).digest()
        seal = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"{key_id}.{subject.kind}.{UUID(subject.mailbox).hex}.{seal}"
