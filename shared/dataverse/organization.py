"""What the organisation has decided about mail and attachments: its own row in Dynamics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

from shared.dataverse.batch import Operation

_SELECT = (
    "organizationid,ignoreinternalemail,isappointmentattachmentsyncenabled,maxuploadfilesize,"
    "blockedattachments,allowedmimetypes,blockedmimetypes,orgdborgsettings"
)
READ_ORGANIZATION = Operation("GET", f"organizations?$select={_SELECT}&$top=1")


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Which files Dynamics takes; types and extensions in lower case.

    Where any type is allowed by name, no other is, and those blocked do not count.
    """

    most_bytes: int = 5_242_880
    blocked_extensions: frozenset[str] = frozenset()
    allowed_types: frozenset[str] = frozenset()
    blocked_types: frozenset[str] = frozenset()

    def takes_type(self, name: str, mime_type: str) -> bool:
        """Tell whether a file of that name and type may come in."""
        extension = PurePosixPath(name.lower()).suffix.removeprefix(".")
        if extension in self.blocked_extensions:
            return False
        stated = mime_type.partition(";")[0].strip().lower()
        if self.allowed_types:
            return stated in self.allowed_types
        return stated not in self.blocked_types


@dataclass(frozen=True, slots=True)
class Organization:
    """The organisation's options, Microsoft's defaults where it says nothing (1.2, 2.4, 6.5).

    `two_activities`: mail between users of Dynamics is one activity for its sender and another for
    its recipients.
    """

    tracks_sent: bool = False
    keeps_out_rights_managed: bool = False
    two_activities: bool = True
    meeting_attachments: bool = False
    files: FileLimits = field(default_factory=FileLimits)


def organization_row(row: Mapping[str, Any]) -> Organization:
    """Read the `organization` row."""
    settings = _settings(row["orgdborgsettings"])
    most = row["maxuploadfilesize"]
    return Organization(
        tracks_sent=_is_on(settings.get("autotracksentfolderitems")),
        keeps_out_rights_managed=_is_on(settings.get("restrictirmemailitems")),
        two_activities=not row["ignoreinternalemail"],
        meeting_attachments=bool(row["isappointmentattachmentsyncenabled"]),
        files=FileLimits(
            most_bytes=FileLimits().most_bytes if most is None else most,
            blocked_extensions=frozenset(
                one.removeprefix(".") for one in _listed(row["blockedattachments"])
            ),
            allowed_types=_listed(row["allowedmimetypes"]),
            blocked_types=_listed(row["blockedmimetypes"]),
        ),
    )


def _settings(xml: str | None) -> dict[str, str]:
    """Return the settings in `<OrgSettings>` by name in lower case; none from what is no XML."""
    try:
        root = ET.fromstring(xml or "<OrgSettings/>")  # noqa: S314 - the organisation's own
    except ET.ParseError:
        return {}
    return {one.tag.lower(): (one.text or "").strip().lower() for one in root}


def _is_on(value: str | None) -> bool:
    return value in {"true", "1"}


def _listed(value: str | None) -> frozenset[str]:
    return frozenset(part for one in (value or "").split(";") if (part := one.strip().lower()))
