"""The package as azd makes it: the project without what .funcignore names."""

import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pathspec import GitIgnoreSpec


def packed_files(project: Path) -> Iterator[Path]:
    """Return what goes into the package, relative to the project."""
    ignored = GitIgnoreSpec.from_lines((project / ".funcignore").read_text().splitlines())
    for folder, folders, files in os.walk(project):
        here = Path(folder).relative_to(project)
        folders[:] = [name for name in folders if not ignored.match_file(f"{here / name}/")]
        yield from (here / name for name in files if not ignored.match_file(str(here / name)))


def pack(project: Path, package: Path) -> None:
    """Write the package."""
    with ZipFile(package, "w", ZIP_DEFLATED) as archive:
        for file in sorted(packed_files(project)):
            archive.write(project / file, file)
