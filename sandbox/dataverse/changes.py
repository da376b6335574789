"""Change tracking: what changed since a token (dataverse.md 8.4)."""

from datetime import datetime, timedelta
from urllib.parse import quote

from sandbox.dataverse.errors import DataverseError, bad_query
from sandbox.dataverse.exchange import Answer
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.query import read_query
from sandbox.dataverse.reading import Reader
from sandbox.dataverse.resource import Resource
from sandbox.dataverse.rows import DELETED
from sandbox.dataverse.schema import Table

EXPIRES = timedelta(days=7)
REFUSED_OPTIONS = ("$filter", "$orderby", "$expand", "$top")


def changes(
    org: Organization, reader: Reader, table: Table, resource: Resource, root: str
) -> Answer:
    """Return all rows and a delta link, or with a `$deltatoken` what came after it.

    Raises:
        DataverseError: the table is not tracked, the token is malformed or expired, or an option
            cannot be combined with change tracking.
    """
    if not table.change_tracking:
        raise DataverseError(
            400, "0x80072491", f"Change tracking is not enabled for entity '{table.name}'."
        )
    refused = [name for name in REFUSED_OPTIONS if name in resource.query]
    if refused:
        raise bad_query(f"{refused[0]} cannot be combined with change tracking.")
    since = _since(org, resource.query.get("$deltatoken"))
    query = read_query(org.schema, table, resource.query)
    value: list[dict[str, object]] = [
        reader.render(table, row, query)
        for row in reader.matching(table, query)
        if row["versionnumber"] > since
    ]
    context = f"{root}$metadata#{table.entity_set}"
    if since:
        value += [
            {"@odata.context": f"{context}/$deletedEntity", "id": grave["id"], "reason": "deleted"}
            for _, grave in org.rows.all(DELETED)
            if grave["table"] == table.name and grave["version"] > since
        ]
    token = f"{org.rows.last_version()}!{org.now()}"
    select = f"$select={quote(resource.query['$select'])}&" if "$select" in resource.query else ""
    link = f"{root}{table.entity_set}?{select}$deltatoken={quote(token, safe='')}"
    return Answer(
        200,
        {"Preference-Applied": "odata.track-changes"},
        {"@odata.context": f"{context}/$delta", "@odata.deltaLink": link, "value": value},
    )


def _since(org: Organization, token: str | None) -> int:
    if token is None:
        return 0
    version, _, moment = token.partition("!")
    try:
        since, issued = int(version), datetime.fromisoformat(moment)
    except ValueError:
        raise bad_query(f"The delta token '{token}' is malformed.") from None
    if org.clock.now() - issued > EXPIRES:
        raise DataverseError(
            400, "0x80072492", "The delta token has expired; retrieve all rows again."
        )
    return since
