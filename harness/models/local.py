"""A model in a folder of the user's: is it one, and which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.cache import cache_dir
from harness.core.errors import UserError
from harness.core.files import atomic_write, canonical_json, inside, read_json, sha256_file
from harness.models.catalog import ModelKind

READ_WHEN_LOADING = (".safetensors", ".json", ".txt", ".model", ".jinja")
NOT_READ = {"model.json"}  # the marker of a fetched model
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
NOT_WEIGHTS = {"training_args.bin", "optimizer.bin", "scheduler.bin"}  # left over from training
TRUSTED = "sentence_transformers."
MODULES_FILE = "modules.json"
HEADLESS = ("ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "Model")


def check_folder(folder: Path, kind: ModelKind, *, where: str | None = None) -> None:
    """Refuses a folder that holds no model of this kind in the safetensors format.

    Raises:
        UserError: ``config.json`` or the weights are missing or damaged, weights are only there
            as pickles or a module is code of the model's own (both can run anything), or the
            model has no language-modelling head.
    """
    _check_modules(folder, where)
    parts = _parts(folder)
    if not any((part / "config.json").is_file() for part in parts):
        raise UserError(
            "this folder holds no model",
            where=where,
            found=str(folder),
            expected="a folder with config.json, *.safetensors and the tokenizer's files",
        )
    if not _matching(parts, ["*.safetensors"]):
        raise _no_safetensors(folder, _matching(parts, PICKLES), where)
    for part in parts:
        pickles = [path for path in part.glob("*.bin") if path.name not in NOT_WEIGHTS]
        if pickles and not any(part.glob("*.safetensors")):
            raise _no_safetensors(part, pickles, where)
        if (part / "config.json").is_file():
            _read_object(part / "config.json")
    if kind == "causal_lm":
        _check_head(folder, where)


def folder_hashes(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file that loading reads, by path below ``folder``.

    A hash is computed once and remembered in the cache by the file's path, size and time of
    change.
    """
    memo_file = cache_dir() / "hashes.json"
    memo = _read_memo(memo_file)
    hashes, new = {}, {}
    for path in _files_read(folder):
        status = path.stat()
        key = canonical_json([str(path.resolve()), status.st_size, status.st_mtime_ns])
        sha256 = memo.get(key) or sha256_file(path)
        hashes[path.relative_to(folder).as_posix()] = sha256
        if key not in memo:
            new[key] = sha256
    if new:
        # Read again: another process may have added to it. One that is lost is hashed again.
        atomic_write(memo_file, canonical_json(_read_memo(memo_file) | new))
    return hashes


def _parts(folder: Path) -> list[Path]:
    """Returns the folder and those below it that make up one sentence encoder with it.

    A module may have folders of its own below it. Other folders, such as checkpoints of its
    training, are not part of the model.
    """
    parts = {folder}
    for module in _modules(folder):
        path = Path(str(module.get("path", "")))
        inside(folder, str(path), where=str(folder / MODULES_FILE))
        if path != Path():
            below = (folder / path).rglob("*")
            parts |= {folder / path, *(found for found in below if found.is_dir())}
    return sorted(parts)


def _modules(folder: Path) -> list[dict[str, Any]]:
    file = folder / MODULES_FILE
    modules = _read(file) if file.is_file() else []
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise UserError(
            "these are not the modules of a sentence encoder",
            where=str(file),
            found=modules,
            expected="a list of objects, each with path and type",
        )
    return modules


def _check_modules(folder: Path, where: str | None) -> None:
    """Refuses modules that are not the library's own: loading would import the model's code."""
    for module in _modules(folder):
        if not str(module.get("type")).startswith(TRUSTED):
            raise UserError(
                "a module of this model is not one of sentence-transformers",
                where=where,
                found=f"type {module.get('type')!r} in {folder / MODULES_FILE}",
                expected=f"{TRUSTED}…; code that comes with a model is not run",
            )


def _no_safetensors(folder: Path, pickles: Sequence[Path], where: str | None) -> UserError:
    names = ", ".join(sorted(path.name for path in pickles))
    return UserError(
        "the weights of this model are not in the safetensors format",
        where=where,
        found=f"{folder}: {names or 'no weights'}",
        expected="*.safetensors; pickled weights can run code when loaded and are not read",
        hint="where you trust them: from_pretrained(...).save_pretrained(FOLDER) converts them",
    )


def _files_read(folder: Path) -> list[Path]:
    patterns = [f"*{suffix}" for suffix in READ_WHEN_LOADING]
    return [path for path in _matching(_parts(folder), patterns) if path.name not in NOT_READ]


def _matching(parts: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    found = {path for part in parts for pattern in patterns for path in part.glob(pattern)}
    return sorted(path for path in found if path.is_file())


def _check_head(folder: Path, where: str | None) -> None:
    """Refuses an encoder as a causal LM: loading would give it a head of random weights."""
    config = folder / "config.json"
    listed = _read_object(config).get("architectures")
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    headless = [name for name in names if name.endswith(HEADLESS) and "LMHead" not in name]
    if names and len(headless) == len(names):
        raise UserError(
            "this model has no head that predicts the next token",
            where=where,
            found=f"architecture {', '.join(names)} in {config}",
            expected="a causal language model, such as LlamaForCausalLM",
            hint="as an encoder it is named encoder:…",
        )


def _read_object(file: Path) -> dict[str, Any]:
    content = _read(file)
    if not isinstance(content, dict):
        raise UserError(
            "this is no config of a model",
            where=str(file),
            found=content,
            expected="a JSON object",
        )
    return content


def _read(file: Path) -> Any:
    try:
        return read_json(file)
    except ValueError as error:
        raise UserError("this file is not JSON", where=str(file), found=str(error)) from error


def _read_memo(file: Path) -> dict[str, str]:
    try:
        memo = read_json(file)
    except (OSError, ValueError):
        return {}
    return memo if isinstance(memo, dict) else {}
