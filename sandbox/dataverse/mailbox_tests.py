"""Test & Enable: a mailbox that is to be tested is, a little later, and enabled if it passes."""

from sandbox.clock import Timer
from sandbox.dataverse.mailboxes import APPROVED, DIRECTIONS, NOT_RUN
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.rows import Row
from sandbox.faults import FaultPlan

SUCCESS, FAILURE = 1, 2
OPERATION = "test mailbox"
"""What a fault names to have a test fail: its `message` is what the mailbox says then."""
_SCHEDULED = "testemailconfigurationscheduled"
_NO_ACCESS = -2147098512  # 8005E270 and its kin: the mailbox could not be reached


class MailboxTests:
    """Tests mailboxes `delay` seconds after they are asked to be, by the sandbox's clock."""

    def __init__(self, org: Organization, faults: FaultPlan) -> None:
        self.delay = 0.5
        self._org = org
        self._faults = faults
        self._due: dict[str, Timer] = {}

    def start(self) -> None:
        """Begin; what was scheduled before is tested now."""
        self._org.watchers["mailbox"] = self._look
        for row_id, _ in list(self._org.rows.all("mailbox")):
            self._look(row_id)

    def stop(self) -> None:
        """Test nothing any more; what is scheduled stays so."""
        self._org.watchers.pop("mailbox", None)
        for timer in self._due.values():
            timer.cancel()
        self._due.clear()

    def _look(self, row_id: str) -> None:
        row = self._org.rows.get("mailbox", row_id) or {}
        if row.get(_SCHEDULED) and row_id not in self._due:
            self._due[row_id] = self._org.clock.call_later(self.delay, lambda: self._test(row_id))

    def _test(self, row_id: str) -> None:
        del self._due[row_id]
        row = self._org.rows.get("mailbox", row_id)
        if row is None:
            return
        problem = self._problem(row)
        with self._org.rows.transaction():
            tested = {**row, **self._outcome(row, problem), "modifiedon": self._org.now()}
            tested["versionnumber"] = self._org.rows.next_version()
            self._org.rows.put("mailbox", row_id, tested)
        self._org.rows.commit()

    def _problem(self, row: Row) -> str:
        """Return why a mailbox fails, empty if it passes."""
        ((_, organization),) = self._org.rows.all("organization")
        if row["statecode"] != 0:
            return "The mailbox is deactivated."
        if row.get("emailserverprofile") is None:
            return "The mailbox does not have an email server profile."
        if (
            organization["requireapprovalforuseremail"]
            and row["emailrouteraccessapproval"] != APPROVED
        ):
            return "The email address requires approval by Microsoft 365 administrator."
        fault = self._faults.strike("dataverse", OPERATION, "status")
        return (fault.message or "The sandbox was told to fail this test.") if fault else ""

    def _outcome(self, row: Row, problem: str) -> Row:
        now = self._org.now()
        outcome: Row = {
            _SCHEDULED: False,
            "testandenablelastattemptedon": now,
            "testmailboxaccesscompletedon": now,
            "mailboxstatus": FAILURE if problem else SUCCESS,
            "lastsyncerror": problem or None,
            "lastsyncerrorcode": _NO_ACCESS if problem else None,
            "lastsyncerrorcount": 1 if problem else 0,
            "lastsyncerroroccurredon": now if problem else None,
        }
        for method, (status, enabled, server_side) in DIRECTIONS.items():
            meant = row[method] == server_side
            outcome[status] = (FAILURE if problem else SUCCESS) if meant else NOT_RUN
            outcome[enabled] = meant and not problem
        return outcome
