"""Subscriptions: made, renewed and removed as Graph does it (graph.md 1)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sandbox.clock import Clock
from sandbox.graph import handshake, listing
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.lifecycle import Lifecycle
from sandbox.graph.mailbox import graph_time
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.notifications import Notifications
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.resources import watched
from sandbox.graph.rules import Rules
from sandbox.store import Collection, Document

_CHANGE_TYPES = {"created", "updated", "deleted"}
_SHOWN = (
    "id", "resource", "applicationId", "changeType", "clientState", "notificationUrl",
    "notificationQueryOptions", "lifecycleNotificationUrl", "expirationDateTime", "creatorId",
    "includeResourceData", "latestSupportedTlsVersion", "encryptionCertificate",
    "encryptionCertificateId", "notificationUrlAppId",
)  # fmt: skip
_WRITABLE = {*_SHOWN, "@odata.type"} - {"id", "applicationId", "creatorId"}
_TLS_VERSIONS = ("v1_0", "v1_1", "v1_2", "v1_3")


class Subscriptions:
    """Answers what is asked about subscriptions; each app sees its own."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        notifications: Notifications,
        lifecycle: Lifecycle,
        clock: Clock,
        rules: Rules,
    ) -> None:
        self._mailboxes = mailboxes
        self._notifications = notifications
        self._lifecycle = lifecycle
        self._rows: Collection = notifications.subscriptions
        self._clock = clock
        self._rules = rules

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        one = "/subscriptions/{subscription}"
        return [
            Route("GET", "/subscriptions", self._list, metered=False),
            Route("POST", "/subscriptions", self._create, metered=False),
            Route("GET", one, self._get, metered=False),
            Route("PATCH", one, self._update, metered=False),
            Route("DELETE", one, self._delete, metered=False),
            Route("POST", f"{one}/reauthorize", self._reauthorize, metered=False),
        ]

    async def _list(self, call: Call) -> Answer:
        own = [row for row in self._rows.values() if row["applicationId"] == call.caller.app_id]
        return listing.page(
            call, own, value_of=listing.property_of, show=_shown, context="subscriptions"
        )

    async def _get(self, call: Call) -> Answer:
        return Answer(200, _entity(call, self._find(call)))

    async def _create(self, call: Call) -> Answer:
        body = call.json()
        row = self._checked(call, body)
        what = watched(row["resource"], self._mailboxes, call.caller.roles)
        row["collection"], row["folder"] = what.collection, what.folder
        row["expirationDateTime"] = self._expiry(row, body.get("expirationDateTime"))
        if what.collection == "tasks" and row["lifecycleNotificationUrl"]:
            text = "lifecycleNotificationUrl is not available for todoTask."
            raise bad_request(text, "InvalidRequest")
        self._check_duplicate(row)
        self._check_quota(what.mailbox)
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if row[name]:
                await self._validate(row[name])
        self._check_duplicate(row)  # the handshake took time: another request may have been faster
        row["mailbox"] = what.mailbox
        self._rows[row["id"]] = row
        self._notifications.watch(row)
        self._lifecycle.schedule(row["id"])
        location = f"{call.base_url}/subscriptions('{row['id']}')"
        return Answer(201, _entity(call, row), {"Location": location})

    async def _update(self, call: Call) -> Answer:
        row, body = self._find(call), call.json()
        if "expirationDateTime" not in body and "notificationUrl" not in body:
            text = "Subscription update must contain either expirationDateTime or notificationUrl."
            raise bad_request(text, "InvalidRequest")
        allowed = {"expirationDateTime", "notificationUrl", "@odata.type", "id"}
        if fixed := [name for name in body if name not in allowed]:
            raise bad_request(f"Property '{fixed[0]}' cannot be updated.", "InvalidRequest")
        changes: Document = {}
        if "expirationDateTime" in body:
            changes["expirationDateTime"] = self._expiry(row, body["expirationDateTime"])
        if "notificationUrl" in body:
            url = handshake.check_url("notificationUrl", body["notificationUrl"])
            if url != row["notificationUrl"]:
                await self._validate(url)
            changes["notificationUrl"] = url
        row = {**self._find(call), **changes}
        self._rows[row["id"]] = row
        self._lifecycle.schedule(row["id"])
        return Answer(200, _entity(call, row))

    async def _delete(self, call: Call) -> Answer:
        row = self._find(call)
        self._lifecycle.cancel(row["id"])
        self._notifications.remove(row["id"])
        return Answer(204)

    async def _reauthorize(self, call: Call) -> Answer:
        self._lifecycle.reauthorized(self._find(call)["id"])
        return Answer(204)

    async def _validate(self, url: str) -> None:
        session = self._notifications.delivery.session
        await handshake.validate(session, url, self._rules.validation_timeout)

    def _find(self, call: Call) -> Document:
        row = self._rows.get(call.parameters["subscription"])
        if row is None or row["applicationId"] != call.caller.app_id:
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return row

    def _checked(self, call: Call, body: Document) -> Document:
        if unknown := [name for name in body if name not in _WRITABLE]:
            raise bad_request(f"Property '{unknown[0]}' is invalid.", "InvalidRequest")
        resource, tls = body.get("resource"), body.get("latestSupportedTlsVersion") or "v1_2"
        if not isinstance(resource, str) or not resource:
            raise bad_request("resource is required.", "InvalidRequest")
        if body.get("includeResourceData"):
            text = "includeResourceData is not available for this application."
            raise bad_request(text, "InvalidRequest")
        if tls not in _TLS_VERSIONS:
            raise bad_request("latestSupportedTlsVersion is unknown.", "InvalidRequest")
        lifecycle_url = body.get("lifecycleNotificationUrl")
        return {
            **dict.fromkeys(_SHOWN),
            "id": str(uuid5(UUID(call.caller.object_id), str(self._mailboxes.counter.next()))),
            "resource": resource,
            "applicationId": call.caller.app_id,
            "creatorId": call.caller.object_id,
            "changeType": _change_type(body.get("changeType")),
            "clientState": _client_state(body.get("clientState")),
            "notificationUrl": handshake.check_url("notificationUrl", body.get("notificationUrl")),
            "lifecycleNotificationUrl": lifecycle_url
            and handshake.check_url("lifecycleNotificationUrl", lifecycle_url),
            "latestSupportedTlsVersion": tls,
            "immutable": call.immutable_ids,
            "roles": sorted(call.caller.roles),
        }

    def _expiry(self, row: Document, value: Any) -> str:  # noqa: ANN401 - JSON
        try:
            asked = datetime.fromisoformat(value)
            asked = asked.replace(tzinfo=UTC) if asked.tzinfo is None else asked.astimezone(UTC)
        except (TypeError, ValueError):
            text = "expirationDateTime must be a date and time in UTC."
            raise bad_request(text, "InvalidRequest") from None
        now, rules = self._clock.now(), self._rules
        if asked <= now:
            text = "Subscription expiration must be in the future."
            raise bad_request(text, "InvalidRequest")
        longest = rules.longest_subscription
        if row.get("collection") == "tasks":
            longest = rules.longest_task_subscription
        if asked > now + timedelta(seconds=longest):
            minutes = int(longest // 60)
            text = f"Subscription expiration can only be {minutes} minutes in the future."
            raise bad_request(text, "ExtensionError")
        return graph_time(max(asked, now + timedelta(seconds=rules.shortest_subscription)))

    def _check_duplicate(self, row: Document) -> None:
        same = ("applicationId", "resource", "changeType")
        for other in self._rows.values():
            if all(other[name] == row[name] for name in same):
                text = f"Subscription Id {other['id']} already exists for the requested combination"
                raise GraphError(409, "ObjectIdentifierInUse", text)

    def _check_quota(self, mailbox: str) -> None:
        limit = self._rules.subscriptions_per_mailbox
        if sum(row["mailbox"] == mailbox for row in self._rows.values()) >= limit:
            text = f"The limit of {limit} active subscriptions per mailbox has been reached."
            raise GraphError(403, "ExtensionError", text)


def _shown(row: Document) -> Document:
    return {name: row[name] for name in _SHOWN}


def _entity(call: Call, row: Document) -> Document:
    return {"@odata.context": f"{call.base_url}/$metadata#subscriptions/$entity", **_shown(row)}


def _change_type(value: object) -> str:
    kinds = [kind.strip() for kind in value.split(",")] if isinstance(value, str) else []
    if not kinds or not _CHANGE_TYPES.issuperset(kinds):
        raise bad_request("changeType must list created, updated, deleted.", "InvalidRequest")
    return str(value)


def _client_state(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > 128):
        raise bad_request("clientState must be text of at most 128 characters.", "InvalidRequest")
    return value
