"""What the API answers when it does not do what was asked: problem details (RFC 9457)."""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.errors import TetherError, Transient
from shared.tracking.contract import Wire

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 5


class FieldProblem(Wire):
    """One field or parameter that is not as it must be; `field` is written `items.0.id`."""

    field: str
    problem: str
    remedy: str


class Problem(Wire):
    """Why a request was not carried out.

    `code` is stable; `seller` is a sentence for who uses Outlook, `administrator` one for who looks
    after Dynamics; `detail` is about this very request; `errors` names each field that is wrong.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    code: str
    seller: str
    administrator: str
    remedy: str
    page: str | None = None
    errors: tuple[FieldProblem, ...] | None = None


class Refusal(TetherError):  # noqa: N818 - what is so, as the tree in shared/errors.py has it
    """A request that is not carried out: `code` is the catalogue's, `detail` of this very case."""

    def __init__(
        self,
        code: str,
        status: int,
        detail: str = "",
        *,
        errors: Sequence[FieldProblem] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after


class Wording(Protocol):
    """The words for a code."""

    @property
    def title(self) -> str:
        """What is wrong, in a few words."""

    @property
    def seller(self) -> str:
        """A sentence for who uses Outlook."""

    @property
    def administrator(self) -> str:
        """A sentence for who looks after Dynamics."""

    @property
    def remedy(self) -> str:
        """What to do."""

    @property
    def page(self) -> str | None:
        """Where more is written."""


type Words = Callable[[str], Wording]
"""Finds the words for a code."""


def refusal_for(error: Exception) -> Refusal:
    """Return what a failure is to a caller: a refusal as it is, a passing trouble, or a fault."""
    match error:
        case Refusal():
            return error
        case Transient(retry_after=wished):
            return Refusal("busy", 503, retry_after=wished or _RETRY_SECONDS)
        case _:
            return Refusal("internal-error", 500)


def problem_of(refusal: Refusal, words: Words) -> Problem:
    """Return the document that tells of a refusal."""
    wording = words(refusal.code)
    return Problem(
        type=f"urn:tether:problem:{refusal.code}",
        title=wording.title,
        status=refusal.status,
        detail=refusal.detail or None,
        code=refusal.code,
        seller=wording.seller,
        administrator=wording.administrator,
        remedy=wording.remedy,
        page=wording.page,
        errors=refusal.errors or None,
    )


def headers_of(refusal: Refusal) -> dict[str, str]:
    """Return the headers that belong to a refusal: who may come, and when to come again."""
    headers = {}
    if refusal.status == 401:
        told = "" if refusal.code == "not-signed-in" else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="tether"{told}'
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
    return headers
