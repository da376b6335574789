"""A blueprint; importable only because the app's directory is on sys.path."""

# ruff: noqa: ARG001  # the worker passes parameters by name, wanted or not

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.route("from-blueprint")
async def from_blueprint(req: func.HttpRequest) -> str:
    """Take the level of the app."""
    return "blueprint"
