"""What Graph lets the app do: each role, by the token and a harmless call; and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.clients import Clients
from cli.doctor.findings import Finding, Outcome, failed, ok, skipped
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.client_state import Subject
from shared.graph.subscriptions import delete_subscription, existing_subscription, notification_url
from shared.identifiers import Kind, MailboxId

_SHORT = timedelta(hours=1)
_TIMES = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Role:
    """An application permission: what is as good, what is not enough, a call that needs it.

    `exchange` says whether RBAC for Applications can grant it instead (graph.md 10).
    """

    name: str
    as_good: frozenset[str]
    not_enough: frozenset[str]
    path: str
    exchange: bool = True


ROLES = (
    Role(
        "Mail.ReadWrite",
        frozenset({"Mail.ReadWrite"}),
        frozenset({"Mail.Read", "Mail.ReadBasic", "Mail.ReadBasic.All"}),
        "mailFolders/inbox?$select=id",
    ),
    Role(
        "Calendars.ReadWrite",
        frozenset({"Calendars.ReadWrite"}),
        frozenset({"Calendars.Read", "Calendars.ReadBasic.All"}),
        "events?$select=id&$top=1",
    ),
    Role(
        "Contacts.Read",
        frozenset({"Contacts.Read", "Contacts.ReadWrite"}),
        frozenset(),
        "contacts?$select=id&$top=1",
    ),
    Role(
        "Tasks.ReadWrite.All",
        frozenset({"Tasks.ReadWrite.All"}),
        frozenset({"Tasks.Read.All"}),
        "todo/lists?$top=1",
        exchange=False,
    ),
    Role(
        "MailboxSettings.Read",
        frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"}),
        frozenset(),
        "mailboxSettings/timeZone",
    ),
)


async def check_roles(
    clients: Clients, granted: frozenset[str], mailbox: MailboxId | None
) -> list[Finding]:
    """Look at each role; without a mailbox the token alone is judged."""
    if mailbox is None:
        return [_by_token(role, granted) for role in ROLES]
    answers = await clients.graph.batch(
        [GraphRequest("GET", f"/users/{mailbox}/{role.path}", mailbox) for role in ROLES]
    )
    return [_by_call(role, granted, answer) for role, answer in zip(ROLES, answers, strict=True)]


async def check_webhook(
    clients: Clients, mailbox: MailboxId | None, now: datetime
) -> list[Finding]:
    """Have Graph validate both webhooks, by subscriptions that are ended at once."""
    base = clients.settings.webhook_base_url
    urls = {"webhook": notification_url(base), "lifecycle webhook": f"{base}/api/graph/lifecycle"}
    if mailbox is None:
        return [skipped(check, "no mailbox is ready") for check in urls]
    found = [await _validated(clients, check, url, mailbox, now) for check, url in urls.items()]
    # Where neither is reached it is one trouble, not two.
    return found if any(one.outcome is Outcome.OK for one in found) else found[:1]


async def _validated(
    clients: Clients, check: str, url: str, mailbox: MailboxId, now: datetime
) -> Finding:
    request = _short_subscription(clients, url, mailbox, now)
    (answer,) = await clients.graph.batch([request])
    left_over = existing_subscription(answer)
    if left_over:
        await clients.graph.batch([delete_subscription(left_over)])
        (answer,) = await clients.graph.batch([request])
    if answer.ok:
        await clients.graph.batch([delete_subscription(str(answer.body["id"]))])
        return ok(check, f"Graph reaches {url}")
    return failed(
        check,
        f"Graph does not get through to {url}: {answer.problem}",
        "check that WEBHOOK_BASE_URL is the app's public address, that the app runs, and that no"
        " sign-in or firewall stands before /api/graph",
    )


def _short_subscription(
    clients: Clients, url: str, mailbox: MailboxId, now: datetime
) -> GraphRequest:
    # Another resource and change type than the app's own, so that it is no duplicate of them.
    return GraphRequest(
        "POST",
        "/subscriptions",
        body={
            "changeType": "deleted",
            "notificationUrl": url,
            "resource": f"users/{mailbox}/messages",
            "expirationDateTime": (now + _SHORT).strftime(_TIMES),
            "clientState": clients.keys.seal(Subject(mailbox, Kind.MAIL)),
        },
    )


def _by_token(role: Role, granted: frozenset[str]) -> Finding:
    if role.as_good & granted:
        return ok(_check(role), "granted; no mailbox is ready to try it on")
    return _missing(role, granted)


def _by_call(role: Role, granted: frozenset[str], answer: GraphResponse) -> Finding:
    if role.as_good & granted:
        if answer.ok:
            return ok(_check(role), "granted, and works")
        return _refused(role, answer)
    if answer.ok and role.exchange and not role.not_enough & granted:
        return ok(_check(role), "granted by Exchange (RBAC for Applications), and works")
    return _missing(role, granted)


def _refused(role: Role, answer: GraphResponse) -> Finding:
    if answer.status == 403:
        return failed(
            _check(role),
            f"granted, but refused for a ready mailbox: {answer.problem}",
            "look for an application access policy in Exchange that leaves the mailbox out:"
            " Test-ApplicationAccessPolicy tells",
        )
    return failed(_check(role), answer.problem, "try again later; look at Microsoft 365's health")


def _missing(role: Role, granted: frozenset[str]) -> Finding:
    less: Sequence[str] = sorted(role.not_enough & granted)
    message = f"not granted, only {', '.join(less)}" if less else "not granted"
    return failed(
        _check(role),
        message,
        f"grant the application permission {role.name} of Microsoft Graph to the app's identity,"
        " and wait until its token is renewed",
    )


def _check(role: Role) -> str:
    return f"graph {role.name}"
