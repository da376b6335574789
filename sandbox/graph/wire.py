"""Bodies whose members Graph spells `likeThis`: read, refused, and given back as they were sent."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.graph.drafts import Wire, deeply_clean, without_annotations
from sandbox.graph.errors import GraphError


class Camel(Wire):
    """An object whose members Graph spells `likeThis`."""

    model_config = ConfigDict(alias_generator=to_camel)


def checked[M: BaseModel](model: type[M], body: object, kind: str) -> M:
    """Return a body as the model it must be; `kind` is the resource's name, such as `contact`.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    try:
        return model.model_validate(without_annotations(body))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        text = f"{where}: {problem['msg']}"
        if problem["type"] == "extra_forbidden":
            text = f"The property '{where}' does not exist on type 'microsoft.graph.{kind}'."
        raise GraphError(400, "RequestBodyRead", text) from error


def stated(given: BaseModel) -> dict[str, Any]:
    """Return the members a body had, by their names on the wire, with text that JSON can carry."""
    cleaned: dict[str, Any] = deeply_clean(given.model_dump(by_alias=True, exclude_unset=True))
    return cleaned
