"""What has to be done to an environment: the definitions compared with what is found. Pure."""

from collections.abc import Iterable, Iterator

from shared.dataverse.batch import Operation
from shared.dataverse.schema.found import Found
from shared.dataverse.schema.model import TableDefinition
from shared.dataverse.schema.plan_rows import chart_step, role_step, user_steps, view_step
from shared.dataverse.schema.plan_tables import table_steps
from shared.dataverse.schema.roles import ROLES
from shared.dataverse.schema.solution import PUBLISHER, SOLUTION, VERSION
from shared.dataverse.schema.steps import Plan, Step, Verb
from shared.dataverse.schema.tables import TABLES
from shared.dataverse.schema.views import CHARTS, VIEWS

_PUBLISHER_ID = "3f1c3c0e-70a5-5d0b-8a55-5c1d6f6c7a01"


def plan_schema(
    found: Found,
    *,
    application_id: str | None = None,
    tables: Iterable[TableDefinition] = TABLES,
) -> Plan:
    """Return what is to be done; with an `application_id`, its user is to have the service role."""
    looked_at = [
        *_solution_steps(found),
        *(step for table in tables for step in table_steps(table, found)),
        *(view_step(view, found) for view in VIEWS),
        *(chart_step(chart, found) for chart in CHARTS),
        *(role_step(role, found) for role in ROLES),
        *(user_steps(application_id, found) if application_id else ()),
    ]
    steps = tuple(step for step in looked_at if step)
    return Plan(steps, kept=len(looked_at) - len(steps))


def _solution_steps(found: Found) -> Iterator[Step | None]:
    name, publisher, solution = str(SOLUTION["uniquename"]), found.publisher, found.solution
    yield (
        None
        if publisher
        else Step(
            Verb.CREATE,
            "publisher",
            str(PUBLISHER["uniquename"]),
            f"prefix {PUBLISHER['customizationprefix']}",
            (Operation("POST", "publishers", {**PUBLISHER, "publisherid": _PUBLISHER_ID}),),
            in_solution=False,
        )
    )
    if publisher and publisher["customizationprefix"] != PUBLISHER["customizationprefix"]:
        yield Step(
            Verb.REFUSE,
            "publisher",
            publisher["uniquename"],
            f"its prefix is {publisher['customizationprefix']}, not"
            f" {PUBLISHER['customizationprefix']}: rename that publisher, it is not Tether's",
        )
    if solution is None:
        publisher_id = publisher["publisherid"] if publisher else _PUBLISHER_ID
        bind = {"publisherid@odata.bind": f"publishers({publisher_id})"}
        request = Operation("POST", "solutions", {**SOLUTION, **bind})
        yield Step(Verb.CREATE, "solution", name, VERSION, (request,), in_solution=False)
    elif solution["ismanaged"]:
        yield Step(
            Verb.REFUSE,
            "solution",
            name,
            "it was imported as a managed solution: import the managed package of this version"
            " instead (tether schema export --managed where it is developed)",
        )
    else:
        yield _version_step(name, str(solution["version"]), solution["solutionid"])


def _version_step(name: str, present: str, solution_id: str) -> Step | None:
    if _numbers(present) == _numbers(VERSION):
        return None
    if _numbers(present) > _numbers(VERSION):
        why = f"the environment has {present}, newer than {VERSION}: use the newer tether"
        return Step(Verb.REFUSE, "solution", name, why)
    request = Operation("PATCH", f"solutions({solution_id})", {"version": VERSION})
    detail = f"version {present} → {VERSION}"
    return Step(Verb.CHANGE, "solution", name, detail, (request,), in_solution=False)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
