"""Columns the platform fills in from others."""

from datetime import datetime
from pathlib import PurePosixPath

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Table
from sandbox.dataverse.values import decoded

OBJECT_TYPE_CODES = {"email": 4202, "appointment": 4201, "task": 4212}


def compute(org: Organization, table: Table, row: Row) -> Row:
    """Return the row with its computed columns.

    Raises:
        DataverseError: an attachment is not base64, too large or of a kind that is not taken.
    """
    match table.name:
        case "contact" | "lead" | "systemuser":
            composed = {"fullname": _full_name(row, "")}
            if table.name == "contact":
                composed["yomifullname"] = _full_name(row, "yomi")
            return {**row, **composed}
        case "activitymimeattachment":
            _check_kind(org, row)
            return {
                **row,
                "filesize": _size(org, table, row.get("body")),
                "objecttypecode": row.get("objecttypecode") or _table_of(row.get("objectid")),
            }
        case "annotation":
            return {
                **row,
                "filesize": _size(org, table, row.get("documentbody")),
                "isdocument": row.get("documentbody") is not None,
                "objecttypecode": _table_of(row.get("objectid")),
            }
        case "queueitem":
            target = row.get("objectid")
            return {
                **row,
                "title": (org.name_of(target) or "")[:300] or None,
                "objecttypecode": OBJECT_TYPE_CODES.get(_table_of(target) or ""),
                "enteredon": row.get("enteredon") or org.now(),
            }
        case "appointment" | "task":
            return {**row, "scheduleddurationminutes": _minutes(row)}
    return row


def _check_kind(org: Organization, row: Row) -> None:
    """Refuse a file whose extension or type the organisation does not take."""
    (_, settings), *_ = org.rows.all("organization")
    extension = PurePosixPath((row.get("filename") or "").lower()).suffix.removeprefix(".")
    mime_type = (row.get("mimetype") or "").lower()
    allowed = _listed(settings.get("allowedmimetypes"))
    blocked = _listed(settings.get("blockedmimetypes"))
    refused = mime_type not in allowed if allowed else mime_type in blocked
    if refused or (extension and extension in _listed(settings.get("blockedattachments"))):
        raise DataverseError(
            400,
            "0x80043e09",
            "The attachment is either not a valid type or is too large. "
            "It cannot be uploaded or downloaded.",
        )


def _listed(value: str | None) -> set[str]:
    return {one.strip().lower() for one in (value or "").split(";")} - {""}


def _full_name(row: Row, prefix: str) -> str | None:
    names = (row.get(f"{prefix}{part}name") for part in ("first", "middle", "last"))
    return " ".join(name for name in names if name) or None


def _minutes(row: Row) -> int | None:
    """Return how long an activity is scheduled, or what was given while that is not known."""
    start, end = row.get("scheduledstart"), row.get("scheduledend")
    if not start or not end or end < start:
        return row.get("scheduleddurationminutes")
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return int(seconds // 60)


def _table_of(reference: dict[str, str] | None) -> str | None:
    return reference["table"] if reference else None


def _size(org: Organization, table: Table, content: object) -> int:
    if content is None:
        return 0
    size = len(decoded(table, content))
    (_, settings), *_ = org.rows.all("organization")
    if size > settings["maxuploadfilesize"]:
        raise DataverseError(
            400,
            "0x80044a02",
            f"Attachment file size is too big: {size} bytes, "
            f"the organization allows {settings['maxuploadfilesize']}.",
        )
    return size
