"""A fitted method on disk: safetensors and JSON, and nothing that is run when it is read.

::

    method.json          the method, its settings, and what it learnt
    weights.safetensors  the arrays of that
    encoder/             the encoder, where the method trained one of its own
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import DataError, HarnessError
from harness.core.files import (
    atomic_write,
    hash_json,
    pretty_json,
    read_json,
    sha256_file,
    sha256_folder,
)
from harness.methods.base import Context, Method
from harness.methods.spec import MethodSpec, parse_method
from harness.models.encoder import load_encoder, save_encoder
from harness.models.local import check_folder
from harness.training.backbone import Backbone
from harness.training.packing import Packer, unpack

METHOD_FILE = "method.json"
WEIGHTS_FILE = "weights.safetensors"
FORMAT = 1


def can_keep(spec: MethodSpec) -> bool:
    """Returns whether the method trains anything that could be kept."""
    return spec.entry.way not in ("zero-shot", "few-shot")


def keep(method: Method, spec: MethodSpec, folder: Path, facts: dict[str, Any]) -> None:
    """Writes a fitted method into a folder that holds nothing but what is to be kept with it.

    Args:
        method: The method.
        spec: Its name and settings.
        folder: The folder.
        facts: What else is to be known of it, as JSON.
    """
    from safetensors.numpy import save_file

    packer = Packer()
    learnt = {name: packer.pack(value, name) for name, value in method.learnt().items()}
    save_file(packer.arrays, folder / WEIGHTS_FILE)
    for name, backbone in packer.backbones.items():
        save_encoder(backbone.encoder, folder / name)
    files = sha256_folder(folder)
    written = {
        "format": FORMAT,
        "method": spec.entry.name,
        "version": spec.entry.version,
        "parts": spec.parts,
        "settings": spec.given,
        **facts,
        "learnt": learnt,
        "encoders": sorted(packer.backbones),
        "files": files,
    }
    written["sha256"] = hash_json(written)
    atomic_write(folder / METHOD_FILE, pretty_json(written))


def read_facts(folder: Path) -> dict[str, Any]:
    """Returns what is written of a kept method, after comparing its files with it.

    Raises:
        DataError: A file is missing, altered, or of another format.
    """
    try:
        written: dict[str, Any] = read_json(folder / METHOD_FILE)
        sha256 = written.pop("sha256")
        files = written["files"].items()
        altered = [path for path, sha256 in files if sha256_file(folder / path) != sha256]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            "this is no kept model, or a file of it is missing",
            where=str(folder / METHOD_FILE),
            found=error,
            hint="harness run ... --keep-models writes one",
        ) from None
    if sha256 != hash_json(written):
        altered.append(METHOD_FILE)
    if altered or written["format"] != FORMAT:
        raise DataError(
            "this kept model is not what was written",
            where=str(folder),
            found=", ".join(altered) or f"format {written['format']}",
            hint="delete the folder, and run again with --keep-models",
        )
    return written


def load_method(folder: Path, written: dict[str, Any], context: Context) -> Method:
    """Returns a kept method, ready to predict what it predicted before.

    Args:
        folder: What :func:`keep` wrote into.
        written: What :func:`read_facts` says of it.
        context: Models, labels and meter, as for :meth:`.Method.fit`.

    Raises:
        DataError: Something in it is nothing that can be kept.
        HarnessError: It was written by another version of the method.
    """
    from safetensors.numpy import load_file

    settings = f":{written['settings']}" if written["settings"] else ""
    spec = parse_method(written["method"] + settings, where=str(folder / METHOD_FILE))
    now = {spec.entry.name: spec.entry.version} | spec.parts
    then = {spec.entry.name: written["version"]} | written["parts"]
    if now != then:
        raise HarnessError(
            f"{folder} was written by another version of {spec.entry.name}\n"
            f"  found:    {_spell(then)}\n  expected: {_spell(now)}\n"
            "  hint:     run again with --keep-models"
        )
    for name in written["encoders"]:
        check_folder(folder / name, "encoder")
    backbones = {name: Backbone(load_encoder(folder / name)) for name in written["encoders"]}
    arrays = load_file(folder / WEIGHTS_FILE)
    learnt = {name: unpack(part, arrays, backbones) for name, part in written["learnt"].items()}
    return spec.build().restore(learnt, context)


def _spell(versions: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
