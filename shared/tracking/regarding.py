"""Checks the record an activity is to be about, before it is asked for."""

from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.requests import About
from shared.errors import Transient
from shared.tracking.contract import SaveRequest
from shared.tracking.problems import Refusal


async def about_of(dataverse: Dataverse, wish: SaveRequest) -> About | None:
    """Return what is wished of an activity's regarding: a record, none, or to leave it alone.

    Raises:
        Refusal: there is no such record.
        Transient: Dataverse did not answer.
    """
    if "regarding" not in wish.model_fields_set:
        return None
    if wish.regarding is None:
        return About()
    table, key = wish.regarding.table, str(wish.regarding.id)
    definitions = await dataverse.read_all(
        "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute,HasActivities"
        f"&$filter=LogicalName eq '{table}'"
    )
    if not definitions:
        raise Refusal("regarding-not-possible", 422, f"Dynamics has no table '{table}'.")
    found = definitions[0]
    if not found["HasActivities"]:
        raise Refusal("regarding-not-possible", 422, f"No activity is about a row of '{table}'.")
    path = f"{found['EntitySetName']}({key})?$select={found['PrimaryIdAttribute']}"
    (answer,) = await dataverse.batch([Operation("GET", path)])
    if answer.status in {403, 404}:
        raise Refusal("regarding-not-found", 422, f"Dynamics shows no {table} with the id {key}.")
    if not answer.ok:
        raise Transient(answer.problem, retry_after=answer.retry_after)
    return About(table=table, id=key)
