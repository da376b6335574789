"""`make run`: its own story, and a person's own mail and calendars."""

import asyncio
import sys
from pathlib import Path

import pytest

from bench.ics import calendar
from bench.stack import PROJECT
from tests.system.mails import mail

_SECONDS = 90

pytestmark = pytest.mark.asyncio


async def run(*options: str | Path) -> tuple[int | None, str]:
    """Return the exit status, and all that was printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.run", *options,
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"COLUMNS": "200"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(_SECONDS):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, told.decode()


async def test_the_story_ends_with_dynamics_as_it_should_be() -> None:
    status, told = await run()
    assert status == 0, told
    for who, did, answer in (
        ("barbara", "saves 'Tender'", "409 mailbox-not-enabled"),
        ("barbara", "looks at 'Tender'", "200 saved"),
        ("grace", "looks at 'Tender'", "200 removed"),
        ("donald", "turns the mailbox on", "202 waiting"),
    ):
        assert any(who in line and did in line and answer in line for line in told.splitlines())


async def test_own_mail_and_calendars_are_accounted_for_together(tmp_path: Path) -> None:
    mails, calendars = tmp_path / "mails", tmp_path / "calendars"
    for folder in (mails, calendars):
        folder.mkdir()
    (mails / "one.eml").write_bytes(mail("A letter"))
    off = calendar(["off"]).replace(b"SUMMARY", b"STATUS:CANCELLED\r\nSUMMARY")
    (calendars / "off.ics").write_bytes(off)
    (calendars / "text.ics").write_text("no calendar at all")
    (calendars / "todo.ics").write_bytes(calendar(["todo"]).replace(b"VEVENT", b"VTODO"))
    (calendars / "two.ics").write_bytes(calendar(["one", "two"]))
    (calendars / "weekly.ics").write_bytes(calendar(["weekly"], rule="FREQ=WEEKLY;COUNT=3"))
    status, told = await run("--mail", mails, "--ics", calendars)
    assert status == 0, told
    lines = told.splitlines()
    for what, outcome in (
        ("one.eml: A letter", "tracked: filter"),
        ("off.ics: Visit off", "ignored: the meeting was canceled"),
        ("text.ics", "left out: the body is no iCalendar file"),
        ("todo.ics", "left out: VTODO is no event"),
        ("two.ics: Visit one", "tracked: category (1 appointment"),
        ("two.ics: Visit two", "tracked: category (1 appointment"),
        ("weekly.ics: Visit weekly", "tracked: category (3 appointments"),
    ):
        assert any(what in line and outcome in line for line in lines), (what, told)


async def test_a_run_that_could_import_nothing_fails_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.ics").write_text("no calendar at all")
    status, told = await run("--ics", tmp_path / "text.ics")
    assert status == 1
    assert "No event could be taken from the files." in told
    assert "it does not begin with BEGIN:VCALENDAR" in told


async def test_a_path_where_nothing_is_is_refused_with_a_sentence(tmp_path: Path) -> None:
    status, told = await run("--ics", tmp_path)
    assert status == 2
    assert f"ICS: {tmp_path} holds no .ics file" in told
