"""The command itself: settings, help, mistakes told in one sentence, and exit codes."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.contract.cli.conftest import Office, run

COMMANDS = (
    ("schema", "plan"), ("schema", "apply"), ("schema", "verify"), ("schema", "export"),
    ("mailboxes",), ("subscriptions",), ("doctor",), ("enable",),
    ("parked", "list"), ("parked", "show"), ("parked", "replay"), ("parked", "drop"),
)  # fmt: skip


async def test_it_says_which_it_is(tmp_path: Path) -> None:
    said = await run("--version", folder=tmp_path)
    assert (said.code, said.out) == (0, f"tether {version('tether')}\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_an_example_and_speaks_json(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = await run(*command, "--help", folder=tmp_path)
    assert said.code == 0
    assert f"Example: tether {' '.join(command)}" in said.out
    assert "--json" in said.out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "settings.json cannot be read: No such file or directory."),
        ("{", "settings.json is no JSON"),
        ("[1]", "settings.json holds no app settings"),
        ("{}", "settings.json holds no app settings"),
        ('{"DATAVERSE_URL": "http://contoso.example"}', "DATAVERSE_URL is missing or no https://"),
    ],
)
async def test_a_mistake_is_one_sentence(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_text(content)
    said = await run("mailboxes", "--settings", str(file), folder=tmp_path)
    assert said.code == 2
    assert says in said.err
    assert said.err.startswith("tether: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


async def test_a_missing_setting_is_named_also_in_json(tmp_path: Path) -> None:
    said = await run("parked", "list", "--json", folder=tmp_path)
    assert said.code == 2
    problem = json.loads(said.err)["error"]
    assert "TENANT_ID: missing, set it" in problem


async def test_settings_are_taken_from_where_they_are(office: Office, tmp_path: Path) -> None:
    settings = office.settings
    forms = {
        "flat.json": settings,
        "local.settings.json": {"IsEncrypted": False, "Values": settings},
        "appsettings.json": [
            {"name": name, "slotSetting": False, "value": value} for name, value in settings.items()
        ],
    }
    for name, document in forms.items():
        file = tmp_path / name
        file.write_text(json.dumps(document))
        said = await run("mailboxes", "--json", "--settings", str(file), folder=tmp_path)
        assert (said.code, len(said.json)) == (0, 2), said.err
    said = await run("mailboxes", "--json", folder=tmp_path, environment=settings)
    assert (said.code, len(said.json)) == (0, 2)
    (tmp_path / ".tether").mkdir()
    (tmp_path / ".tether" / "settings.json").write_text(json.dumps(settings))
    said = await run("mailboxes", "--json", folder=tmp_path)
    assert (said.code, len(said.json)) == (0, 2)


async def test_nobody_to_sign_in_as(office: Office) -> None:
    settings = {**office.settings, "IDENTITY_ENDPOINT": ""}
    said = await office.tether("mailboxes", settings=settings)
    assert said.code == 1
    assert "az login" in said.err
    assert "Traceback" not in said.err


async def test_a_service_that_is_not_there(office: Office) -> None:
    office.changed["DATAVERSE_URL"] = "http://127.0.0.1:9"
    said = await office.tether("mailboxes")
    assert said.code == 1
    assert said.err.startswith("tether: Dataverse did not answer")
    assert said.err.count("\n") == 1
