"""Files: written whole or not at all, hashed, and kept inside the folder they belong to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.errors import UserError


def atomic_write(path: Path, content: bytes | str) -> None:
    """Writes ``content`` to ``path`` so that a reader sees the old file or the new, never a part.

    Safe for several writers on a shared file system: each writes a file of its own beside the
    target and renames it into place.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path) as aside:
        aside.write_bytes(data)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a path beside ``path`` to write to; what was written there is renamed into place.

    It is flushed to disk before, so that the name never stands for an empty file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o644)
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Gives an empty folder beside ``path`` to fill; it is renamed into place when all went well.

    When another process was first, its folder stays and this one is dropped.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        yield aside
        aside.chmod(0o755)
        move_folder(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_unfinished(path: Path) -> None:
    """Removes what killed writers of a folder left beside it; only for who alone writes it."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(left, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Renames a folder into place; where the target already stands, that one stays."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(source, ignore_errors=True)


def sha256_bytes(data: bytes) -> str:
    """Returns the sha256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Returns the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file of a folder, by its path below it."""
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def canonical_json(value: Any) -> str:
    """Returns JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_json(value: Any) -> str:
    """Returns the sha256 of a JSON-able value, in hexadecimal; independent of key order."""
    return sha256_bytes(canonical_json(value).encode("utf-8", "surrogatepass"))


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def pretty_json(value: Any) -> str:
    """Returns JSON for people: indented, in the order given, with a last newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def decode_utf8(data: bytes, path: Path, error: type[UserError] = UserError) -> str:
    """Returns the text of a file's bytes, without a byte order mark.

    Raises:
        UserError: It is not UTF-8 (an ``error``, where another class is wanted); the message
            names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise error(
            "not UTF-8 text",
            where=f"{path}:{line}",
            found=data[problem.start : problem.start + 4],
            hint="save the file in the encoding UTF-8",
        ) from None


def inside(root: Path, relative: str, *, where: str | None = None) -> Path:
    """Returns ``root / relative``, refusing a path that leads out of ``root``.

    Raises:
        UserError: The path is absolute, or climbs out of the root by ``..`` or by a link.
    """
    base = root.resolve()
    path = (base / relative).resolve()
    if Path(relative).is_absolute() or not path.is_relative_to(base):
        raise UserError(
            "this path leads out of its folder",
            where=where,
            found=relative,
            expected=f"a path below {root}",
        )
    return path
