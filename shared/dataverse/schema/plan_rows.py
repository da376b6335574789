"""What has to be done to views, charts, roles and the application user. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.schema.drawing import chart_row, same, view_row
from shared.dataverse.schema.found import Found, Row
from shared.dataverse.schema.model import Chart, Role, View, application_user_id
from shared.dataverse.schema.roles import SERVICE
from shared.dataverse.schema.steps import Step, Verb

_FIXED = {"returnedtypecode", "querytype", "primaryentitytypecode"}
"""Columns that say what a row is; they cannot be changed."""


def view_step(view: View, found: Found) -> Step | None:
    """Return what is to be done to a view, None if nothing."""
    name, path = f"{view.table}: {view.name}", "savedqueries"
    return _row_step(
        "view", name, path, ("savedqueryid", view.id), view_row(view), found.views.get(view.id)
    )


def chart_step(chart: Chart, found: Found) -> Step | None:
    """Return what is to be done to a chart, None if nothing."""
    name, path = f"{chart.table}: {chart.name}", "savedqueryvisualizations"
    key = ("savedqueryvisualizationid", chart.id)
    return _row_step("chart", name, path, key, chart_row(chart), found.charts.get(chart.id))


def _row_step(
    part: str,
    name: str,
    entity_set: str,
    key: tuple[str, str],
    wanted: Mapping[str, object],
    present: Row | None,
) -> Step | None:
    if present is None:
        request = Operation("POST", entity_set, {key[0]: key[1], **wanted})
        return Step(Verb.CREATE, part, name, "", (request,))
    changed = {
        column: value
        for column, value in wanted.items()
        if column not in _FIXED and not same(present[column], value)
    }
    if not changed:
        return None
    request = Operation("PATCH", f"{entity_set}({key[1]})", changed)
    return Step(Verb.CHANGE, part, name, ", ".join(changed), (request,))


def role_step(role: Role, found: Found) -> Step | None:
    """Return what is to be done to a role, None if it holds exactly what it should."""
    if role.id not in found.roles:
        body: dict[str, Any] = {
            "roleid": role.id,
            "name": role.name,
            "description": role.description,
            "businessunitid@odata.bind": f"businessunits({found.business_unit})",
        }
        detail = f"{sum(map(len, role.rights.values()))} privileges"
        request = Operation("POST", "roles", body)
        return Step(Verb.CREATE, "role", role.name, detail, (request,), grants=role)
    missing, needless = _privileges(role, found)
    if not (missing or needless):
        return None
    told = [*(f"+{one}" for one in missing), *(f"-{one}" for one in needless)]
    return Step(Verb.CHANGE, "role", role.name, ", ".join(told), grants=role)


def _privileges(role: Role, found: Found) -> tuple[list[str], list[str]]:
    """Return the privileges a role lacks, and those on the same tables it should not have."""
    held = found.held[role.id]
    missing = [
        f"{right} {table}"
        for table, rights in role.rights.items()
        for right in rights
        if found.privileges.get(table, {}).get(right) not in held
    ]
    wanted = {
        found.privileges.get(table, {}).get(right)
        for table, rights in role.rights.items()
        for right in rights
    }
    needless = [
        f"{right} {table}"
        for table, rights in found.privileges.items()
        for right, one in rights.items()
        if one in held and one not in wanted
    ]
    return missing, needless


def user_steps(application_id: str, found: Found) -> Iterator[Step | None]:
    """Yield what is to be done to the application user: be there, with the service role."""
    user = found.user
    if user and user["isdisabled"]:
        why = "the application user is disabled: enable it (Power Platform admin center)"
        yield Step(Verb.REFUSE, "user", application_id, why)
        return
    user_id = user["systemuserid"] if user else application_user_id(application_id)
    yield (
        None
        if user
        else Step(
            Verb.CREATE,
            "user",
            application_id,
            "application user",
            (
                Operation(
                    "POST",
                    "systemusers",
                    {
                        "systemuserid": user_id,
                        "applicationid": application_id,
                        "businessunitid@odata.bind": f"businessunits({found.business_unit})",
                    },
                ),
            ),
            in_solution=False,
        )
    )
    if SERVICE.id in found.user_roles:
        yield None
        return
    path = f"systemusers({user_id})/systemuserroles_association/$ref"
    request = Operation("POST", path, {"@odata.id": f"{found.root}/roles({SERVICE.id})"})
    detail = f"gets the role {SERVICE.name}"
    yield Step(Verb.CHANGE, "user", application_id, detail, (request,), in_solution=False)
