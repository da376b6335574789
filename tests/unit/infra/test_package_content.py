"""What goes to Azure and what stays here."""

from pathlib import Path

from tests.unit.infra.packed import packed_files
from tests.unit.infra.test_templates import PROJECT


def test_the_package_holds_the_app_and_nothing_else() -> None:
    files = set(packed_files(PROJECT))
    tops = {file.parts[0] for file in files}
    assert tops == {
        "LICENSE",
        "function_app.py",
        "functions",
        "host.json",
        "requirements.txt",
        "shared",
    }
    assert {file.suffix for file in files if len(file.parts) > 1} == {".py", ".toml"}


def test_every_module_of_the_app_is_in_it() -> None:
    files = set(packed_files(PROJECT))
    for folder in ("functions", "shared"):
        modules = {path.relative_to(PROJECT) for path in (PROJECT / folder).rglob("*.py")}
        assert modules <= files


def test_what_comes_anew_to_the_project_is_packed_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / ".funcignore").write_text((PROJECT / ".funcignore").read_text())
    for name in ("tests/a.py", "shared/a.py", "shared/tests.py", ".env", "local.settings.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert set(packed_files(tmp_path)) == {Path("shared/a.py"), Path("shared/tests.py")}
