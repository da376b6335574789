"""What every resource a caller writes has in common: how its JSON is read and refused."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.graph.errors import GraphError
from sandbox.graph.text import clean


def without_annotations(value: object) -> object:
    """Return an object without its `@odata.` members; anything else as it is."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if "@odata." not in name}
    return value


type Wrapped[T] = Annotated[T, BeforeValidator(without_annotations)]


class Wire(BaseModel):
    """An object that has the named members only."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Camel(Wire):
    """An object whose members Graph spells `likeThis`."""

    model_config = ConfigDict(alias_generator=to_camel)


class EmailAddress(Wire):
    """A name and an address."""

    name: str | None = None
    address: str | None = None


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


def deeply_clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON all of whose text JSON and UTF-8 can carry."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: deeply_clean(inner) for name, inner in value.items()}
    return [deeply_clean(inner) for inner in value] if isinstance(value, list) else value
