"""Messages that change or carry customizations: publishing, options, keys, solutions."""

from sandbox.dataverse.customizer import Customizer
from sandbox.dataverse.errors import invalid_argument, not_allowed, not_found
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.organization import Caller, Organization
from sandbox.dataverse.resource import Resource
from sandbox.dataverse.security import role_privileges
from sandbox.dataverse.solutions import add_component, export_solution


def check_method(call: Call, method: str) -> None:
    """Refuse another method than the one a message is called with.

    Raises:
        DataverseError: 405.
    """
    if call.method != method:
        raise not_allowed(f"The method {call.method} is not allowed on this operation.")


def _publish(
    _org: Organization, _customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    if not isinstance(call.json().get("ParameterXml"), str):
        raise invalid_argument("'ParameterXml' is missing.")
    return Answer(204)


def _publish_all(
    _org: Organization, _customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    return Answer(204)


def _create_entities(
    _org: Organization, customizer: Customizer, call: Call, resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    solution = resource.query.get("SolutionUniqueName")
    ids = [customizer.create(body, solution) for body in call.json().get("Entities") or []]
    if not ids:
        raise invalid_argument("'Entities' must be a non-empty array.")
    return Answer(
        200,
        {},
        {"@odata.context": "#Microsoft.Dynamics.CRM.CreateEntitiesResponse", "EntityIds": ids},
    )


def _reactivate_key(
    org: Organization, customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    body = call.json()
    name = str(body.get("EntityLogicalName"))
    if name not in org.schema:
        raise not_found("entity", name)
    customizer.reactivate_key(org.schema[name], str(body.get("EntityKeyLogicalName")))
    return Answer(204)


def _insert_option(
    _org: Organization, customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    value = customizer.insert_option(call.json())
    context = "#Microsoft.Dynamics.CRM.InsertOptionValueResponse"
    return Answer(200, {}, {"@odata.context": context, "NewOptionValue": value})


def _update_option(
    _org: Organization, customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    body = call.json()
    if not isinstance(body.get("MergeLabels"), bool):
        raise invalid_argument("'MergeLabels' must be true or false.")
    customizer.update_option(body)
    return Answer(204)


def _add_component(
    org: Organization, _customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    return add_component(org, call)


def _export(
    org: Organization, _customizer: Customizer, call: Call, _resource: Resource, _caller: Caller
) -> Answer:
    check_method(call, "POST")
    return export_solution(org, call)


def _role_privileges(
    org: Organization, _customizer: Customizer, call: Call, resource: Resource, _caller: Caller
) -> Answer:
    return role_privileges(org, call, resource)


MESSAGES = {
    "PublishXml": _publish,
    "PublishAllXml": _publish_all,
    "CreateEntities": _create_entities,
    "ReactivateEntityKey": _reactivate_key,
    "InsertOptionValue": _insert_option,
    "UpdateOptionValue": _update_option,
    "AddSolutionComponent": _add_component,
    "ExportSolution": _export,
    "RetrieveRolePrivilegesRole": _role_privileges,
}
