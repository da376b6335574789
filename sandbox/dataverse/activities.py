"""What is special about activities: parties, who sent them, and being read-only once closed."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from sandbox.dataverse.errors import DataverseError, invalid_argument
from sandbox.dataverse.organization import Organization, reference
from sandbox.dataverse.payload import read_payload
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Table

SENDER, ORGANIZER, REGARDING, OWNER = 1, 7, 8, 9
MASKS = {"email": {1, 2, 3, 4, 13}, "appointment": {5, 6, 7}, "task": set[int]()}
CLOSED_STATES = {1, 2}
EMAIL_COLUMNS = ("emailaddress1", "emailaddress2", "emailaddress3", "internalemailaddress",
                 "emailaddress", "personalemailaddress")  # fmt: skip
CHANGEABLE_WHEN_CLOSED = frozenset(
    {"regardingobjectid", "ownerid", "category", "statecode", "statuscode"}
)


def is_closed(table: Table, row: Row) -> bool:
    """Tell whether an activity is completed or cancelled."""
    return table.activity and row["statecode"] in CLOSED_STATES


def check_open(table: Table, row: Row, columns: Sequence[str]) -> None:
    """Refuse to change the content of a closed activity (dataverse.md 2.4).

    Raises:
        DataverseError: one of the columns is content.
    """
    if not is_closed(table, row):
        return
    for name in columns:
        if name not in CHANGEABLE_WHEN_CLOSED and not (
            name in table.columns and table.columns[name].custom
        ):
            raise DataverseError(
                400,
                "0x80040203",
                f"This {table.name} is read-only because it is completed or canceled: "
                f"'{name}' cannot be changed.",
            )


def set_parties(
    org: Organization, table: Table, row_id: str, bodies: Sequence[Mapping[str, object]]
) -> None:
    """Replace the parties a client maintains; those of regarding and owner stay.

    Raises:
        DataverseError: a party names neither a row nor an address, or a role the activity lacks.
    """
    parties = [_party(org, table, body) for body in bodies]
    for old in list(party_ids(org, row_id)):
        party = org.rows.get("activityparty", old) or {}
        if party["participationtypemask"] not in {REGARDING, OWNER}:
            org.rows.remove("activityparty", old)
    for party in parties:
        _add(org, table, row_id, party)


def party_ids(org: Organization, activity_id: str) -> Iterator[str]:
    """Return the ids of an activity's parties."""
    yield from org.rows.find("activityparty", "activityid", activity_id)


def keep_platform_parties(org: Organization, table: Table, row_id: str, row: Row) -> None:
    """Make the parties with masks 8 and 9 say what regarding and owner say (dataverse.md 1.7)."""
    wanted = {REGARDING: row.get("regardingobjectid"), OWNER: row.get("ownerid")}
    for party_id in list(party_ids(org, row_id)):
        party = org.rows.get("activityparty", party_id) or {}
        mask = party["participationtypemask"]
        if mask in wanted:
            if party.get("partyid") == wanted[mask]:
                wanted[mask] = None
            else:
                org.rows.remove("activityparty", party_id)
    for mask, who in wanted.items():
        if who is not None:
            _add(org, table, row_id, {"participationtypemask": mask, "partyid": who})


def computed_senders(org: Organization, row_id: str) -> dict[str, object]:
    """Return an email's `emailsender` and `sendersaccount`, which follow from its From party."""
    sender = None
    for party_id in party_ids(org, row_id):
        party = org.rows.get("activityparty", party_id) or {}
        if party["participationtypemask"] == SENDER:
            sender = party.get("partyid")
    account = sender if sender and sender["table"] == "account" else None
    if sender and sender["table"] == "contact":
        contact = org.rows.get("contact", sender["id"]) or {}
        company = contact.get("parentcustomerid")
        account = company if company and company["table"] == "account" else None
    return {"emailsender": sender, "sendersaccount": account}


def _party(org: Organization, table: Table, body: Mapping[str, object]) -> dict[str, object]:
    party = read_payload(org, org.schema["activityparty"], body, "create").values
    mask, row = party.get("participationtypemask"), party.get("partyid")
    if mask not in MASKS[table.name]:
        raise invalid_argument(
            f"The participationtypemask {mask} is not valid for a party of '{table.name}'."
        )
    if row is None and not party.get("addressused"):
        raise invalid_argument("An activity party needs a partyid or an addressused.")
    if mask == ORGANIZER and not (isinstance(row, dict) and row["table"] == "systemuser"):
        raise invalid_argument("The organizer of an appointment must be a systemuser.")
    return party


def _add(org: Organization, table: Table, row_id: str, party: Mapping[str, object]) -> None:
    party_id = str(uuid4())
    row = {
        "activitypartyid": party_id,
        "activityid": reference(table.name, row_id),
        "ispartydeleted": False,
        "instancetypecode": 0,
        "partyid": None,
        **party,
        **_resolved(org, party),
        "versionnumber": org.rows.next_version(),
    }
    org.rows.put("activityparty", party_id, row)


def _resolved(org: Organization, party: Mapping[str, object]) -> dict[str, object]:
    who = party.get("partyid")
    if not isinstance(who, dict):
        return {
            "partyidname": party.get("unresolvedpartyname") or party.get("addressused"),
            "partyobjecttypecode": "unresolvedaddress",
        }
    row = org.rows.get(who["table"], who["id"]) or {}
    addresses = [(column, row[column]) for column in EMAIL_COLUMNS if row.get(column)]
    resolved: dict[str, object] = {
        "partyidname": org.name_of(who),
        "partyobjecttypecode": who["table"],
        "addressused": party.get("addressused") or (addresses[0][1] if addresses else None),
    }
    for number, (_, address) in enumerate(addresses, 1):
        if str(address).lower() == str(resolved["addressused"]).lower():
            resolved["addressusedemailcolumnnumber"] = number
            break
    return resolved
