"""Reads what a request brings: query, id and body; what is wrong is named with its remedy."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.identifiers import Kind
from shared.tracking.contract import Asked, Removal, Scope
from shared.tracking.problems import FieldProblem, Refusal

MAX_BODY_BYTES = 64 * 1024
_JSON = "application/json"
_REMEDIES = {
    "extra_forbidden": "Leave it out.",
    "missing": "Add it.",
    "uuid_parsing": "Write a GUID.",
    "string_pattern_mismatch": "Write it as the API's OpenAPI document says.",
    "too_long": "Give fewer.",
    "too_short": "Give more.",
}
_OTHERWISE = "See the API's OpenAPI document for what it may be."


class MailboxQuery(BaseModel):
    """Whose mailbox a request is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailbox: UUID | None = Field(
        default=None,
        description="The mailbox, by its owner's Entra object id; left out, the caller's own.",
    )


class ItemQuery(MailboxQuery):
    """Which sort of item an id names, and in whose mailbox."""

    kind: Kind = Field(default=Kind.MAIL, description="The sort of item that the id names.")


class RemovalQuery(ItemQuery):
    """How an item is removed."""

    activity: Removal | None = Field(
        default=None,
        description="What becomes of the row in Dynamics; left out, as the organisation has set.",
    )
    scope: Scope = Field(
        default=Scope.MAILBOX, description="From this mailbox, or from every participant's."
    )


class OpenQuery(BaseModel):
    """No parameters at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def query_of[Q: BaseModel](model: type[Q], params: Mapping[str, str]) -> Q:
    """Return a request's query.

    Raises:
        Refusal: a parameter is unknown or has a value it cannot have.
    """
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        raise _invalid(error) from error


def asked_in(item: str, query: ItemQuery) -> Asked:
    """Return which item an address names.

    Raises:
        Refusal: it can be no item's id.
    """
    try:
        return Asked(kind=query.kind, id=item)
    except ValidationError as error:
        raise _invalid(error) from error


def body_of[B: BaseModel](
    model: type[B], headers: Mapping[str, str], raw: bytes, otherwise: B | None = None
) -> B:
    """Return a request's body; where there is none, `otherwise`, if that is given.

    Raises:
        Refusal: it is missing, too large, no JSON, or not what the model says.
    """
    if not raw and otherwise is not None:
        return otherwise
    if len(raw) > MAX_BODY_BYTES:
        raise Refusal("too-large", 413)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Refusal("not-json", 415)
    try:
        return model.model_validate_json(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        if any(problem["type"] == "json_invalid" for problem in error.errors()):
            raise Refusal("malformed-request", 400) from error
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> Refusal:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # A list with wrong parts is not said to be too short, too.
    parents = {one["loc"][:depth] for one in found for depth in range(len(one["loc"]))}
    worst = [one for one in found if one["loc"] not in parents or not one["loc"]]
    return Refusal("invalid-request", 400, errors=list(_problems(worst)))


def _problems(found: Iterable[Any]) -> Iterable[FieldProblem]:
    for one in found:
        yield FieldProblem(
            field=".".join(map(str, one["loc"])) or "body",
            problem=one["msg"].removeprefix("Value error, "),
            remedy=_REMEDIES.get(one["type"], _OTHERWISE),
        )
