"""What Graph posts to a webhook, genuine and otherwise (graph.md 2.1, 3)."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import Kind, MailboxId

_numbers = count(1)


@dataclass
class Graph:
    """Writes the entries of Graph for one tenant; `others` replace what is genuine."""

    tenant: str
    mailbox: str
    keys: ClientStateKeys
    forger: ClientStateKeys = field(
        default_factory=lambda: ClientStateKeys("another", {"k1": b"f" * 32})
    )

    def change(self, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return an entry about a mail that is not there (any more)."""
        number = next(_numbers)
        item = f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{number:06d}" + "A" * 20
        path = f"Users/{self.mailbox}/Messages/{item}"
        return {
            **self._entry(),
            "changeType": "updated",
            "resource": path,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Message",
                "@odata.id": path,
                "@odata.etag": f'W/"CQAAABYAAAD{number:06d}"',
                "id": item,
            },
            **others,
        }

    def lifecycle(self, event: str, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return a lifecycle entry."""
        return {**self._entry(), "lifecycleEvent": event, **others}

    def forged_state(self) -> str:
        """Return a client state sealed with a key that is not ours."""
        return self.forger.seal(self._subject())

    def _entry(self) -> dict[str, Any]:
        return {
            "subscriptionId": "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
            "subscriptionExpirationDateTime": "2026-12-01T01:00:00.0000000-08:00",
            "clientState": self.keys.seal(self._subject()),
            "tenantId": self.tenant,
        }

    def _subject(self) -> Subject:
        return Subject(MailboxId(self.mailbox), Kind.MAIL)


def collection(*entries: object) -> bytes:
    """Return the body of a POST with these entries."""
    return json.dumps({"value": list(entries)}).encode()
