"""Sources, targets, errors and outcomes: the described values inside performatives."""

from dataclasses import dataclass

from sandbox.servicebus.amqp.types import Described, Symbol, ULong

SOURCE, TARGET, ERROR = ULong(0x28), ULong(0x29), ULong(0x1D)
RECEIVED, ACCEPTED, REJECTED, RELEASED, MODIFIED = (ULong(code) for code in range(0x23, 0x28))
_FILTER = 7


def address(terminus: object) -> str | None:
    """Return the address of a source or target, None when it has none."""
    fields = _fields(terminus, {SOURCE, TARGET})
    value = fields[0] if fields else None
    return value if isinstance(value, str) else None


def filters(source: object) -> dict[object, object]:
    """Return a source's filters by name, values without their descriptor."""
    fields = _fields(source, {SOURCE})
    found = fields[_FILTER] if len(fields) > _FILTER else None
    if not isinstance(found, dict):
        return {}
    return {
        name: value.value if isinstance(value, Described) else value
        for name, value in found.items()
    }


def with_filter(source: object, name: str, value: object) -> Described:
    """Return the source with one filter's value replaced, everything else as it came."""
    fields = _fields(source, {SOURCE})
    fields += [None] * (_FILTER + 1 - len(fields))
    present = fields[_FILTER]
    chosen = dict(present) if isinstance(present, dict) else {}
    former = chosen.get(Symbol(name))
    chosen[Symbol(name)] = (
        Described(former.descriptor, value) if isinstance(former, Described) else value
    )
    fields[_FILTER] = chosen
    return Described(SOURCE, fields)


def error(condition: str, description: str) -> Described:
    """Return an AMQP error with all three fields: some clients index the third blindly."""
    return Described(ERROR, [Symbol(condition), description, {}])


def accepted() -> Described:
    """Return the outcome of a delivery that was taken."""
    return Described(ACCEPTED, [])


def rejected(reason: Described | None = None) -> Described:
    """Return the outcome of a delivery that was refused, with why."""
    return Described(REJECTED, [] if reason is None else [reason])


@dataclass(frozen=True, slots=True)
class Outcome:
    """A delivery state from the peer: which (a descriptor) and its fields."""

    kind: int
    fields: list[object]

    @classmethod
    def read(cls, state: object) -> "Outcome | None":
        """Return the outcome in a disposition, None when there is none."""
        if isinstance(state, Described) and type(state.descriptor) is ULong:
            return cls(state.descriptor, state.value if isinstance(state.value, list) else [])
        return None

    def field(self, at: int) -> object:
        """Return a field, None when the list stops before it."""
        return self.fields[at] if at < len(self.fields) else None


def _fields(described: object, descriptors: set[ULong]) -> list[object]:
    if (
        isinstance(described, Described)
        and described.descriptor in descriptors
        and isinstance(described.value, list)
    ):
        return list(described.value)
    return []
