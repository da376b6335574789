"""How the mailboxes stand: one line for all that are well, and one for each that is not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cli.clients import Clients
from cli.doctor.findings import Finding, Outcome, failed, ok, warning
from cli.watching import (
    EXPIRED,
    FORMER,
    LIVE,
    MISSING,
    Watching,
    compare,
    listed_subscriptions,
    present_seal,
)
from shared.dataverse.readiness import Condition
from shared.dataverse.standing import Standing
from shared.errors import Transient

CHECK = "mailboxes"
_MADE_ANEW = (
    "it is made anew at the next pass (every five minutes); if it stays so, see the app's log"
)
_REMEDIES = {
    MISSING: _MADE_ANEW,
    EXPIRED: f"{_MADE_ANEW}: did the timer run?",
    FORMER: "it is replaced at the next pass; keep the former key in CLIENT_STATE_KEYS until then",
}


async def check_mailboxes(
    clients: Clients, standings: Sequence[Standing], now: datetime
) -> list[Finding]:
    """Look at each mailbox, and at what Graph lists for it."""
    try:
        listed = await listed_subscriptions(clients.graph)
    except Transient as problem:
        return [warning("subscriptions", str(problem), "Graph does not list them: try again later")]
    watching = compare(standings, listed, seal=present_seal(clients), now=now)
    found = [_with_pending(_mailbox(one, watching), one) for one in standings]
    well = [one for one in found if one.outcome is Outcome.OK]
    findings = [one for one in found if one.outcome is not Outcome.OK]
    if well:
        findings.insert(0, ok(CHECK, f"{len(well)} ready, enrolled and subscribed"))
    if watching.unknown:
        message = f"{len(watching.unknown)} that no mailbox knows"
        remedy = "see them with tether subscriptions; they end by themselves"
        findings.append(warning("subscriptions", message, remedy))
    if not standings:
        remedy = "set mailboxes to server-side synchronization in Dynamics, approve and test them"
        findings.append(warning(CHECK, "none is set to server-side synchronization", remedy))
    return findings


def _mailbox(one: Standing, watching: Watching) -> Finding:
    check = f"mailbox {one.name or one.id}"
    return (
        _not_ready(check, one)
        or _not_enrolled(check, one)
        or _not_subscribed(check, one, watching)
        or _noted(check, one)
        or _not_complete(check, one)
        or ok(check, "ready")
    )


def _with_pending(finding: Finding, one: Standing) -> Finding:
    """Say what waits for a mailbox to be mended; in one that is well it is done in a moment."""
    if finding.outcome is Outcome.OK or not one.pending:
        return finding
    return replace(finding, message=f"{finding.message}; {one.pending} saves and removals wait")


def _not_ready(check: str, one: Standing) -> Finding | None:
    if one.lacking:
        return _lacks(check, one.lacking)
    if one.lacking is None:
        message = "Tether knows it, but Dynamics does not mean it to sync"
        remedy = "set it to server-side synchronization, or leave it: the next pass suspends it"
        return warning(check, message, remedy)
    return None


def _noted(check: str, one: Standing) -> Finding | None:
    return _lacks(check, one.noted) if one.noted else None


def _lacks(check: str, conditions: Sequence[Condition]) -> Finding:
    remedies = "; ".join(dict.fromkeys(condition.remedy for condition in conditions))
    message = "; ".join(condition.lacking for condition in conditions)
    codes = tuple(condition.code for condition in conditions)
    return replace(warning(check, message, remedies), codes=codes)


def _not_enrolled(check: str, one: Standing) -> Finding | None:
    if one.last_error:
        remedy = "mend what it says; it is cleared at the next pass that succeeds"
        return failed(check, one.last_error, remedy)
    if one.state != "enrolled":
        remedy = "it is enrolled at the next pass (every five minutes); if not, see the app's log"
        return warning(check, f"it is ready, but {one.state or 'not enrolled'}", remedy)
    return None


def _not_subscribed(check: str, one: Standing, watching: Watching) -> Finding | None:
    name = one.name or one.id
    lost = [each for each in watching.watched if each.mailbox == name and each.state != LIVE]
    if not lost:
        return None
    told = ", ".join(f"{each.kind} {each.state}" for each in lost)
    return failed(check, f"subscriptions: {told}", _REMEDIES[lost[0].state])


def _not_complete(check: str, one: Standing) -> Finding | None:
    if one.catch_up_needed_since is None:
        return None
    since = f"{one.catch_up_needed_since:%Y-%m-%d %H:%M}"
    message = f"changes since {since} may have been missed: {one.catch_up_reason}"
    return warning(check, message, "touch what is missing in Outlook, e.g. set its category")
