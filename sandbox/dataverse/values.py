"""Values of columns: what a client may send, how it is kept, how it is shown."""

import base64
import binascii
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

from sandbox.dataverse.errors import DataverseError, invalid_argument, invalid_payload
from sandbox.dataverse.schema import Column, Table

EDM = {
    "string": "Edm.String", "memo": "Edm.String", "entityname": "Edm.String",
    "integer": "Edm.Int32", "picklist": "Edm.Int32", "state": "Edm.Int32", "status": "Edm.Int32",
    "bigint": "Edm.Int64", "decimal": "Edm.Decimal", "money": "Edm.Decimal",
    "double": "Edm.Double", "boolean": "Edm.Boolean", "datetime": "Edm.DateTimeOffset",
    "dateonly": "Edm.Date", "uniqueidentifier": "Edm.Guid", "lookup": "Edm.Guid",
    "owner": "Edm.Guid", "customer": "Edm.Guid",
}  # fmt: skip
EARLIEST = datetime(1753, 1, 1, tzinfo=UTC)  # of a SQL Server datetime
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
INT32 = (-(2**31), 2**31 - 1)


def wire_time(moment: datetime) -> str:
    """Return a moment as Dataverse shows it: UTC, whole seconds (dataverse.md 12.14)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stored(table: Table, column: Column, value: object) -> object:
    """Return the value as it is kept.

    Raises:
        DataverseError: wrong type, too long, out of range, no such choice.
    """
    if value is None:
        return None
    return CHECKS[column.type](table, column, value)


def shown(column: Column, value: object) -> str | None:
    """Return the formatted value of a choice, boolean or number; None where there is none."""
    if value is None or column.type in {"string", "memo", "uniqueidentifier"}:
        return None
    if column.type in {"picklist", "state", "status"}:
        return next((o.label for o in column.options if o.value == value), str(value))
    if column.type == "boolean":
        return "Yes" if value else "No"
    if column.type == "datetime":
        return datetime.fromisoformat(str(value)).strftime("%-m/%-d/%Y %-I:%M %p")
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def utf16_length(text: str) -> int:
    """Return the length as the platform counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def decoded(table: Table, text: object) -> bytes:
    """Return the bytes of a base64 column.

    Raises:
        DataverseError: the text is not base64.
    """
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise invalid_payload(table.entity_set, "the content is not base64") from None


def _wrong_type(table: Table, column: Column, value: object) -> DataverseError:
    return invalid_payload(
        table.entity_set,
        f"Microsoft.OData.ODataException: Cannot convert the literal '{value}' "
        f"of property '{column.name}' to the expected type '{EDM[column.type]}'.",
    )


def _text(table: Table, column: Column, value: object) -> str | None:
    if not isinstance(value, str):
        raise _wrong_type(table, column, value)
    if utf16_length(value) > column.max_length:
        raise DataverseError(
            400,
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the "
            f"'{table.name}' entity exceeded the maximum allowed length of "
            f"'{column.max_length}'.",
        )
    return value or None  # the platform keeps no empty text


def _number(table: Table, column: Column, value: object) -> int | float:
    whole = column.type in {"integer", "bigint"}
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise _wrong_type(table, column, value)
    low, high = column.minimum, column.maximum
    if column.type == "integer" and low is None and high is None:
        low, high = INT32
    if (low is not None and value < low) or (high is not None and value > high):
        raise DataverseError(
            400,
            "0x80044330",
            f"A validation error occurred.  The value of '{column.name}' on record of type "
            f"'{table.name}' is outside the valid range.",
        )
    return value if whole else round(value, column.precision)


def _boolean(table: Table, column: Column, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(table, column, value)
    return value


def _choice(table: Table, column: Column, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(table, column, value)
    accepted = [option.value for option in column.options]
    if value not in accepted:
        raise DataverseError(
            400,
            "0x8004431a",
            f"A validation error occurred. The value '{value}' of '{column.name}' on record of "
            f"type '{table.name}' is outside the valid range. Accepted Values: "
            f"{','.join(map(str, accepted))}",
        )
    return value


def _moment(table: Table, column: Column, value: object) -> str:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong_type(table, column, value)
    if moment < EARLIEST:
        raise DataverseError(
            400,
            "0x80040239",
            "DateTime is less than minumum value supported by CrmDateTime. "
            f"Actual value: {value}, Minimum value supported: 01/01/1753 00:00:00",
        )
    return wire_time(moment)


def _date(table: Table, column: Column, value: object) -> str:
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value).isoformat()
    raise _wrong_type(table, column, value)


def _guid(table: Table, column: Column, value: object) -> str:
    if isinstance(value, str) and GUID.fullmatch(value):
        return value.lower()
    raise _wrong_type(table, column, value)


def _name(table: Table, column: Column, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(table, column, value)
    return value


def _unsupported(table: Table, column: Column, value: object) -> object:
    raise invalid_argument(
        f"'{column.name}' of '{table.name}' cannot be set to {value!r} through this message."
    )


CHECKS: dict[str, Callable[[Table, Column, object], object]] = {
    "string": _text,
    "memo": _text,
    "entityname": _name,
    "integer": _number,
    "bigint": _number,
    "decimal": _number,
    "double": _number,
    "money": _number,
    "boolean": _boolean,
    "picklist": _choice,
    "state": _choice,
    "status": _choice,
    "datetime": _moment,
    "dateonly": _date,
    "uniqueidentifier": _guid,
    "lookup": _unsupported,
    "owner": _unsupported,
    "customer": _unsupported,
    "partylist": _unsupported,
    "file": _unsupported,
}
