"""Tether's two tables: what is kept of each mailbox, and what ties an item to its rows."""

from shared.dataverse.schema.model import Column, Lookup, TableDefinition
from shared.dataverse.subscriptions import KINDS, columns_of
from shared.identifiers import Kind


def _subscription(kind: Kind) -> tuple[Column, ...]:
    names, title = columns_of(kind), kind.title()
    return (
        Column(names.id, f"{title} subscription", "String", 100),
        Column(names.expires, f"{title} subscription expires", "DateTime"),
        Column(names.seal, f"{title} subscription's seal", "String", 40),
    )


TABLES = (
    TableDefinition(
        "tether_Mailbox",
        "Tether mailbox",
        "Tether mailboxes",
        columns=(
            Column("tether_State", "State", "Picklist", options={1: "Enrolled", 2: "Suspended"}),
            Column("tether_Folders", "Well-known folders", "Memo", 4000),
            *(column for kind in KINDS for column in _subscription(kind)),
            Column("tether_TaskDelta", "How far tasks are known", "Memo", 1_048_576),
            Column("tether_TaskSubscriptions", "Task subscriptions", "Memo", 1_048_576),
            Column("tether_SyncFrom", "Sync from", "DateTime"),
            Column("tether_TimeZone", "Time zone", "String", 100),
            Column("tether_CatchUpNeededSince", "Catch-up needed since", "DateTime"),
            Column("tether_CatchUpReason", "Catch-up reason", "String", 200),
            Column("tether_LastError", "Last error", "Memo", 2000),
            Column("tether_TurnedOn", "Turned on", "Boolean"),
            Column(
                "tether_Approval",
                "Address",
                "Picklist",
                options={1: "Approved", 2: "Pending approval", 3: "Rejected"},
            ),
            Column("tether_TestStatus", "Test", "Picklist", options={1: "Success", 2: "Failure"}),
        ),
        lookups=(Lookup("tether_SystemUserId", "User", "systemuser"),),
    ),
    TableDefinition(
        "tether_Link",
        "Tether link",
        "Tether links",
        columns=(
            Column(
                "tether_Kind",
                "Kind",
                "Picklist",
                options={1: "Mail", 2: "Meeting", 3: "Contact", 4: "Task"},
            ),
            Column("tether_ItemId", "Outlook item", "String", 512),
            Column("tether_ItemModifiedOn", "Outlook item modified on", "String", 40),
            Column("tether_ChangeKey", "Outlook change key", "String", 200),
            Column("tether_InternetMessageId", "Internet message id", "String", 1000),
            Column("tether_ConversationRoot", "Conversation", "String", 44),
            Column("tether_ConversationIndex", "Place in conversation", "String", 2000),
            Column("tether_GlobalId", "Meeting", "String", 300),
            Column("tether_IsOrganizer", "Organizer", "Boolean"),
            Column("tether_IsSeries", "Series", "Boolean"),
            Column("tether_Response", "Response", "String", 50),
            Column("tether_Appointments", "Appointments", "Integer"),
            Column("tether_Told", "What Outlook last told", "Memo", 100_000),
            Column("tether_Status", "Status in Outlook", "String", 50),
            Column(
                "tether_Reason",
                "Reason",
                "Picklist",
                options={1: "Saved by the seller", 2: "Category", 3: "Reply", 4: "Filter"},
            ),
            Column(
                "tether_State",
                "State",
                "Picklist",
                options={1: "Tracked", 2: "Removed", 3: "Failed", 4: "Requested"},
            ),
            Column("tether_TrackedOn", "Tracked on", "DateTime"),
            Column("tether_RemovedOn", "Removed on", "DateTime"),
            Column("tether_Detail", "Detail", "String", 1000),
            Column("tether_Request", "What was asked for", "String", 2000),
            Column("tether_AttachmentsPending", "Attachments pending", "Boolean"),
            Column("tether_Notes", "Notes", "Memo", 2000),
        ),
        lookups=(
            Lookup("tether_MailboxId", "Mailbox", "tether_mailbox"),
            Lookup("tether_EmailId", "Email", "email"),
            Lookup("tether_AppointmentId", "Appointment", "appointment"),
            Lookup("tether_ContactId", "Contact", "contact"),
            Lookup("tether_TaskId", "Task", "task"),
            Lookup("tether_TrackedBy", "Tracked by", "systemuser"),
        ),
    ),
)
