"""Which rights a write takes besides writing: to tie rows together, and to give one away."""

from collections.abc import Mapping
from typing import Any

from sandbox.dataverse.activities import party_ids
from sandbox.dataverse.organization import Caller, Organization, reference
from sandbox.dataverse.schema import Table


def use_ties(org: Organization, caller: Caller, table: Table, values: Mapping[str, Any]) -> None:
    """Note the rights for the lookups that are written, and for another owner than the caller."""
    me = reference("systemuser", caller.user_id)
    for name, value in values.items():
        column = table.columns[name]
        if not (column.is_lookup and value):
            continue
        if column.type != "owner":
            org.use(caller, table, "Append")
            org.use(caller, org.schema[value["table"]], "AppendTo")
        elif value != me:
            org.use(caller, table, "Assign")


def use_parties(org: Organization, caller: Caller, table: Table, row_id: str) -> None:
    """Note the rights for the rows that an activity's parties are."""
    for party_id in party_ids(org, row_id):
        party = (org.rows.get("activityparty", party_id) or {}).get("partyid")
        if party:
            org.use(caller, table, "Append")
            org.use(caller, org.schema[party["table"]], "AppendTo")
