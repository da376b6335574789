"""Who is in a group of the directory, directly or through other groups."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from shared.errors import Permanent, Transient
from shared.graph.client import Graph, GraphRequest
from shared.identifiers import MailboxId

_PAGE = 999


async def members_of(graph: Graph, group: str) -> dict[MailboxId, str]:
    """Return the people in a group, each with their user name.

    The group is named by its id or its mail address.

    Raises:
        Permanent: there is no such group, or Graph does not tell who is in it.
        Transient: Graph did not answer.
    """
    members: dict[MailboxId, str] = {}
    path = f"/groups/{await _id(graph, group)}/transitiveMembers/microsoft.graph.user"
    url = f"{path}?$select=id,userPrincipalName&$top={_PAGE}"
    while url:
        page = await _ask(graph, url)
        members |= {
            MailboxId(str(one["id"]).lower()): str(one["userPrincipalName"])
            for one in page["value"]
        }
        url = str(page.get("@odata.nextLink") or "").partition("/v1.0")[2]
    return members


async def _id(graph: Graph, group: str) -> str:
    try:
        return str(UUID(group))
    except ValueError:
        literal = quote(f"mail eq '{group.replace("'", "''")}'", safe="")
    found = (await _ask(graph, f"/groups?$filter={literal}&$select=id"))["value"]
    if len(found) != 1:
        raise Permanent(f"There is no group with the mail address {group}.")
    return str(found[0]["id"])


async def _ask(graph: Graph, url: str) -> dict[str, Any]:
    (answer,) = await graph.batch([GraphRequest("GET", url)])
    if answer.ok:
        return answer.body
    if answer.status == 429 or answer.status >= 500:
        raise Transient(answer.problem, retry_after=answer.retry_after)
    raise Permanent(answer.problem)
