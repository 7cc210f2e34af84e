"""Where the YAML files lie: a path, else the current folder's own, else the shipped ones."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Literal

from harness.core.errors import UserError, unknown_name

Folder = Literal["tasks", "prompts"]

_PACKAGE = Path(__file__).resolve().parents[1]


class ShadowWarning(UserWarning):
    """A file of the current folder is used instead of the shipped one of the same name."""


def find(name: str | Path, folder: Folder) -> Path:
    """Returns the YAML file that a user means by ``name``.

    Args:
        name: A bare name, or a path: a ``Path``, or text that holds a separator or ends in
            ``.yaml`` or ``.yml``. The path of a folder stands for the ``task.yaml`` in it.
        folder: What kind of file is looked for.

    Raises:
        UserError: There is no such file; for a bare name the message lists what exists.
    """
    if isinstance(name, Path) or _is_path(name):
        path = Path(name).expanduser()
        path = path / "task.yaml" if folder == "tasks" and path.is_dir() else path
        if not path.is_file():
            raise UserError("there is no such file", where=str(path), expected="a YAML file")
        return path
    local, ours = _listed(Path(folder)), _listed(shipped(folder))
    if name not in local | ours:
        raise unknown_name(folder.removesuffix("s"), name, local | ours)
    if name in local and name in ours and local[name].resolve() != ours[name].resolve():
        warnings.warn(
            f"{local[name]} is used instead of the shipped {folder.removesuffix('s')} {name!r}",
            ShadowWarning,
            stacklevel=2,
        )
    return local.get(name) or ours[name]


def list_names(folder: Folder) -> dict[str, Path]:
    """Returns every file that a bare name reaches, by name, in the order of the names."""
    return dict(sorted((_listed(shipped(folder)) | _listed(Path(folder))).items()))


def shipped(folder: Folder) -> Path:
    """Returns the folder of the files that come with the harness.

    In an installed package they lie inside it; in a checkout or an editable install they lie
    beside it.
    """
    inside = _PACKAGE / "shipped" / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def _is_path(name: str) -> bool:
    return "/" in name or os.sep in name or name.endswith((".yaml", ".yml"))


def _listed(root: Path) -> dict[str, Path]:
    found = {path.stem: path for path in root.glob("*.yaml") if path.is_file()}
    if root.name == "tasks":
        found = {path.parent.name: path for path in root.glob("*/task.yaml")} | found
    return found
