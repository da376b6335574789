"""`tether schema`: shown before it is done, done once, and carried away."""

import zipfile

from shared.dataverse.schema.views import VIEWS
from tests.contract.cli.conftest import Office

APP = "6c1a0f0e-8f1e-4d60-9a53-3f0b35f0f001"


async def test_from_an_empty_environment_to_nothing_left_to_do(bare: Office) -> None:
    before = await bare.tether("schema", "verify", "--app-user", APP)
    assert before.code == 1
    planned = await bare.tether("schema", "plan", "--json", "--app-user", APP)
    assert planned.code == 0
    steps = planned.json["steps"]
    assert steps[0] == {
        "verb": "create", "part": "publisher", "name": "tether", "detail": "prefix tether",
    }  # fmt: skip
    assert (await bare.tether("schema", "plan", "--app-user", APP)).out.startswith(
        "do\twhat\tname\thow\ncreate\tpublisher\ttether\tprefix tether\n"
    )
    applied = await bare.tether("schema", "apply", "--yes", "--json", "--app-user", APP)
    assert applied.code == 0
    assert applied.json["done"] == steps
    again = await bare.tether("schema", "apply", "--app-user", APP)
    assert again.code == 0
    assert "0 to create, 0 to change, 0 refused" in again.out
    assert (await bare.tether("schema", "verify", "--app-user", APP)).code == 0


async def test_without_a_terminal_it_does_not_act_unasked(bare: Office) -> None:
    said = await bare.tether("schema", "apply", enter="y\n")
    assert said.code == 2
    assert "say --yes" in said.err
    assert (await bare.tether("schema", "plan", "--json")).json["kept"] == 0


async def test_verify_finds_drift(office: Office) -> None:
    assert (await office.tether("schema", "verify")).code == 0
    office.services.dataverse.organization.rows.remove("savedquery", VIEWS[0].id)
    said = await office.tether("schema", "verify", "--json")
    assert said.code == 1
    assert [step["part"] for step in said.json["steps"]] == ["view"]


async def test_what_is_refused_stops_it(office: Office) -> None:
    rows = office.services.dataverse.organization.rows
    (solution,) = rows.find("solution", "uniquename", "Tether")
    rows.put("solution", solution, {**(rows.get("solution", solution) or {}), "version": "9.0"})
    for command in ("plan", "apply", "verify"):
        said = await office.tether("schema", command)
        assert said.code == 1
        assert "use the newer tether" in said.out


async def test_an_id_that_is_none(office: Office) -> None:
    said = await office.tether("schema", "plan", "--app-user", "tether")
    assert said.code == 2
    assert "'tether' is no application id" in said.err


async def test_the_package_is_written(office: Office) -> None:
    file = office.folder / "package.zip"
    said = await office.tether("schema", "export", str(file), "--managed", "--json")
    assert said.code == 0
    assert said.json == {"file": str(file), "bytes": file.stat().st_size, "managed": True}
    with zipfile.ZipFile(file) as package:
        assert b"<Managed>1</Managed>" in package.read("solution.xml")
    nowhere = await office.tether("schema", "export", str(office.folder / "no" / "x.zip"))
    assert nowhere.code == 2


async def test_there_is_no_package_before_there_is_a_solution(bare: Office) -> None:
    said = await bare.tether("schema", "export", str(bare.folder / "package.zip"))
    assert said.code == 1
    assert "There is no solution named 'Tether'" in said.err
    assert not (bare.folder / "package.zip").exists()
