"""What Dynamics lets the app do: its user, its role, the tables it works with."""

from cli.clients import Clients
from cli.doctor.findings import Finding, failed, ok, skipped, warning
from cli.doctor.identity import Who
from shared.dataverse.batch import Operation
from shared.dataverse.schema.found import read_environment
from shared.dataverse.schema.plan import plan_schema
from shared.dataverse.schema.roles import SERVICE
from shared.dataverse.schema.solution import VERSION
from shared.errors import Permanent, Transient

USER, ROLE, SCHEMA = "dynamics user", "dynamics role", "dynamics tables"
_ADMINISTRATOR = "System Administrator"
_SHOWN = 3


async def check_user(clients: Clients, who: Who) -> tuple[Finding, str]:
    """Ask who the app is in Dynamics; also return the user's id, empty if there is none."""
    url = clients.settings.dataverse_url
    try:
        me = await clients.dataverse.send(Operation("GET", "WhoAmI"))
    except Transient as problem:
        remedy = "check DATAVERSE_URL, and that the environment runs"
        return failed("dynamics", f"{problem} ({url})", remedy), ""
    if me.ok:
        return ok(USER, f"known at {url}"), str(me.body["UserId"])
    if me.status == 403:
        remedy = f"make the application user: tether schema apply --app-user {who.app_id}"
        return failed(USER, f"{me.problem}", remedy), ""
    if me.status == 401:
        remedy = "set DATAVERSE_URL to the environment's own address, as its settings show it"
        return failed(USER, f"the token is refused: {me.problem}", remedy), ""
    return failed("dynamics", me.problem, "check DATAVERSE_URL; try again later"), ""


async def check_role(clients: Clients, user_id: str, who: Who) -> Finding:
    """Look whether the app's user has the service role, and no more than that by mistake."""
    path = f"systemusers({user_id})/systemuserroles_association?$select=roleid,name"
    try:
        rows = await clients.dataverse.read_all(path)
    except (Permanent, Transient) as problem:
        return warning(ROLE, str(problem), "run tether schema verify as an administrator")
    if SERVICE.id in {row["roleid"] for row in rows}:
        return ok(ROLE, SERVICE.name)
    names = ", ".join(sorted(row["name"] for row in rows)) or "none"
    remedy = f"give it the role: tether schema apply --app-user {who.app_id}"
    if _ADMINISTRATOR in names:
        return warning(ROLE, f"the user has {names}, more than the app needs", remedy)
    return failed(ROLE, f"the user lacks the role {SERVICE.name}; it has {names}", remedy)


async def check_schema(clients: Clients) -> Finding:
    """Compare tables, views, charts and roles with what this version needs."""
    try:
        plan = plan_schema(await read_environment(clients.dataverse))
    except (Permanent, Transient) as problem:
        remedy = "run tether schema verify as an administrator"
        return warning(SCHEMA, f"cannot be compared: {problem}", remedy)
    if not plan.steps:
        return ok(SCHEMA, f"version {VERSION}")
    told = "; ".join(f"{one.verb} {one.part} {one.name}" for one in plan.steps[:_SHOWN])
    more = f"; and {len(plan.steps) - _SHOWN} more" if len(plan.steps) > _SHOWN else ""
    remedy = "look with tether schema plan, and set it right with tether schema apply"
    if plan.refused:
        refused = plan.refused[0]
        return failed(SCHEMA, f"{refused.part} {refused.name}: {refused.detail}", remedy)
    return failed(SCHEMA, f"differs: {told}{more}", remedy)


def none_of(because: str) -> list[Finding]:
    """Return that nothing in Dynamics was looked at."""
    return [skipped(check, because) for check in (ROLE, SCHEMA)]
