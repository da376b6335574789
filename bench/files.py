"""The user's own files: found in a folder, read, and named where they cannot be."""

from collections.abc import Iterator
from pathlib import Path


def files_at(path: Path, suffixes: set[str]) -> list[Path]:
    """Return the file itself, or all files of a folder that have one of the suffixes.

    Raises:
        FileNotFoundError: nothing is there, or the folder holds no such file.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _has(file, suffixes))
        if not files:
            raise FileNotFoundError(f"{path} holds no {' or '.join(sorted(suffixes))} file")
        return files
    if not path.is_file():
        raise FileNotFoundError(f"{path} is neither a file nor a folder")
    return [path]


def read_at(path: Path, suffixes: set[str]) -> Iterator[tuple[Path, bytes | OSError]]:
    """Yield each file with its bytes, or with why it cannot be read."""
    for file in files_at(path, suffixes):
        try:
            yield file, file.read_bytes()
        except OSError as problem:
            yield file, problem


def _has(file: Path, suffixes: set[str]) -> bool:
    return file.is_file() and file.suffix.lower() in suffixes
