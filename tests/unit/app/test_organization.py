"""The organisation's row, as it is read, and the files it takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.organization import FileLimits, Organization, organization_row

NOTHING: dict[str, Any] = {
    "ignoreinternalemail": None,
    "isappointmentattachmentsyncenabled": None,
    "maxuploadfilesize": None,
    "blockedattachments": None,
    "allowedmimetypes": None,
    "blockedmimetypes": None,
    "orgdborgsettings": None,
}


def test_where_it_says_nothing_microsoft_s_defaults_hold() -> None:
    assert organization_row(NOTHING) == Organization()


@pytest.mark.parametrize(
    ("xml", "on"),
    [
        ("<OrgSettings><AutoTrackSentFolderItems>true</AutoTrackSentFolderItems></OrgSettings>", 1),
        ("<orgSettings><autotracksentfolderitems> 1 </autotracksentfolderitems></orgSettings>", 1),
        (
            "<OrgSettings><AutoTrackSentFolderItems>false</AutoTrackSentFolderItems></OrgSettings>",
            0,
        ),
        ("<OrgSettings><AutoTrackSentFolderItems/></OrgSettings>", 0),
        ("<OrgSettings>", 0),
        ("oops", 0),
        ("", 0),
    ],
)
def test_settings_are_read_from_xml_whatever_its_case(xml: str, on: int) -> None:
    assert organization_row({**NOTHING, "orgdborgsettings": xml}).tracks_sent is bool(on)


@given(xml=st.text())
def test_no_text_is_too_much_for_it(xml: str) -> None:
    assert isinstance(organization_row({**NOTHING, "orgdborgsettings": xml}), Organization)


def test_limits_are_lists_with_semicolons() -> None:
    row = {
        **NOTHING,
        "maxuploadfilesize": 7,
        "blockedattachments": " EXE;.js;;",
        "blockedmimetypes": "Text/HTML; image/svg+xml",
    }
    limits = organization_row(row).files
    assert limits == FileLimits(
        7, frozenset({"exe", "js"}), blocked_types=frozenset({"text/html", "image/svg+xml"})
    )


@pytest.mark.parametrize(
    ("name", "mime_type", "taken"),
    [
        ("offer.pdf", "application/pdf", True),
        ("OFFER.EXE", "application/pdf", False),
        ("offer.tar.exe", "", False),
        ("exe", "application/pdf", True),
        ("page.html", "text/html; charset=utf-8", False),
        ("page.html", "TEXT/HTML", False),
        ("no extension", "", True),
    ],
)
def test_a_file_is_taken_by_its_extension_and_type(
    name: str, mime_type: str, *, taken: bool
) -> None:
    limits = FileLimits(
        blocked_extensions=frozenset({"exe"}), blocked_types=frozenset({"text/html"})
    )
    assert limits.takes_type(name, mime_type) is taken


@given(mime_type=st.sampled_from(("text/html", "application/pdf", "image/png", "")))
def test_where_some_types_are_allowed_those_blocked_do_not_count(mime_type: str) -> None:
    allowed, blocked = frozenset({"text/html"}), frozenset({"text/html", "image/png"})
    limits = FileLimits(allowed_types=allowed, blocked_types=blocked)
    assert limits.takes_type("file.bin", mime_type) is (mime_type in allowed)
