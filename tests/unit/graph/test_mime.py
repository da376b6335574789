import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.graph.mime import parse

REAL = Path(__file__).parents[4] / "shared/data/real-mail"


def read(head: str, body: str = "", encoding: str = "utf-8") -> dict[str, Any]:
    return parse(head.encode(encoding) + b"\r\n\r\n" + body.encode(encoding))


def shown(recipients: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    return [(one["emailAddress"].get("name"), one["emailAddress"].get("address"))
            for one in recipients]  # fmt: skip


@pytest.mark.parametrize("path", sorted(REAL.glob("*.eml")), ids=lambda path: path.stem)
def test_real_mail_is_read(path: Path) -> None:
    message = parse(path.read_bytes())
    json.dumps(message, default=str, ensure_ascii=False).encode()
    assert message["body"]["contentType"] in ("html", "text")


@pytest.mark.skipif(not REAL.exists(), reason="the real messages are not here")
def test_what_real_mail_holds() -> None:
    gif = parse((REAL / "cpython-msg_07.eml").read_bytes())
    assert [one["contentType"] for one in gif["attachments"]] == ["image/gif"]
    bounce = parse((REAL / "cpython-msg_16.eml").read_bytes())
    kinds = [one["@odata.type"] for one in bounce["attachments"]]
    assert "#microsoft.graph.itemAttachment" in kinds
    russian = parse((REAL / "flanker-bilingual-simple.eml").read_bytes())
    assert "Как ты поживаешь?" in russian["subject"]
    unclosed = parse((REAL / "flanker-missing-final-boundary.eml").read_bytes())
    assert unclosed["body"]["content"].strip()


def test_addresses_with_names_groups_and_none_at_all() -> None:
    message = read(
        'From: "Doe, Jane" <jane@a.example>\r\n'
        "To: Team: x@y.example, =?utf-8?q?J=C3=BCrgen?= <j@w.example>;, plain@b.example\r\n"
        "Cc: not an address\r\nBcc: undisclosed-recipients:;"
    )
    assert shown([message["from"]]) == [("Doe, Jane", "jane@a.example")]
    assert shown(message["toRecipients"]) == [
        ("x@y.example", "x@y.example"),
        ("Jürgen", "j@w.example"),
        ("plain@b.example", "plain@b.example"),
    ]
    assert shown(message["ccRecipients"]) == [("not an address", "not an address")]
    mixed = read("To: good@a.example, nobody")["toRecipients"]
    assert shown(mixed)[1] == ("nobody", "nobody")
    assert shown(message["bccRecipients"]) == [("undisclosed-recipients:;", None)]


def test_the_sender_is_from_unless_stated() -> None:
    assert shown([read("From: a@b.example")["sender"]]) == [("a@b.example", "a@b.example")]
    both = read("From: a@b.example\r\nSender: s@b.example")
    assert shown([both["sender"]]) == [("s@b.example", "s@b.example")]
    assert read("Subject: nobody")["from"] is None


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"Subject: caf\xc3\xa9", "café"),
        (b"Subject: caf\xe9", "café"),
        (b"Subject: =?bogus?q?x?=", "x"),
        (b"Subject: =?utf-8?b?7aCA?=", "€"),  # the octets of half a surrogate pair
        (b"Subject: =?utf-8?b?!!!?=", ""),
        (b"Subject: a\0b", "ab"),
        (b"Subject: folded\r\n  line", "folded  line"),
        (b"X: y", ""),
    ],
)
def test_subjects_come_out_readable(raw: bytes, subject: str) -> None:
    found = parse(raw + b"\r\n\r\n")["subject"]
    assert subject in found
    found.encode()
    assert "\0" not in found


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=bogus-9", b"caf\xe9", "caf"),
        (b"Content-Type: text/plain; charset=utf-8", b"caf\xe9", "café"),
        (b"Content-Type: text/plain; charset=utf-16-le", b"a\0\x00\xd8", "a"),
        (b"Content-Type: multipart/mixed", b"no boundary", "no boundary"),
        (b"Content-Transfer-Encoding: base64", b"%%%", ""),
        (b"Content-Type: nonsense", b"x\0y", "xy"),
    ],
)
def test_bodies_come_out_readable(head: bytes, body: bytes, text: str) -> None:
    message = parse(head + b"\r\n\r\n" + body)
    content = message["body"]["content"]
    content.encode()
    assert "\0" not in content
    assert text in content


def test_html_wins_over_its_plain_twin_and_inline_pictures_are_no_attachments() -> None:
    message = read(
        "Content-Type: multipart/related; boundary=o",
        "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
        "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--i--\r\n"
        "--o\r\nContent-Type: image/png\r\nContent-ID: <p1>\r\n\r\nPNG\r\n--o--\r\n",
    )
    assert message["body"] == {"contentType": "html", "content": "<b>rich</b>"}
    (picture,) = message["attachments"]
    assert (picture["isInline"], picture["contentId"]) == (True, "p1")
    assert base64.b64decode(picture["contentBytes"]) == b"PNG"


def test_dates_and_importance() -> None:
    message = read("Date: Mon, 02 Nov 2026 09:00:00 +0100\r\nX-Priority: 1 (Highest)")
    assert message["sent"].isoformat() == "2026-11-02T08:00:00+00:00"
    assert message["importance"] == "high"
    assert read("Date: some day")["sent"] is None
    assert read("Date: Mon, 02 Nov 99999 09:00:00 +9999")["sent"] is None


HEADERS = st.sampled_from(
    [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Content-Type", b"References",
     b"Content-Transfer-Encoding", b"Content-Disposition", b"MIME-Version", b"Sender"]
)  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"multipart/mixed; boundary=", b'multipart/mixed; boundary="x', b"message/rfc822",
         b"text/html; charset=utf-7", b"=?utf-8?b?////?=", b"[foo]", b"<a@b", b"base64",
         b"x-uuencode", b"attachment; filename*=utf-9''%ff", b"text/plain; charset*=bogus''x",
         b"a:b@c;;", b'"']
    ),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(HEADERS, VALUES), max_size=6), st.binary(max_size=200))
def test_nothing_is_ever_refused(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    message = parse(head + b"\r\n" + body)
    json.dumps(message, default=str, ensure_ascii=False).encode()
