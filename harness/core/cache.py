"""The folder in which the harness keeps what it fetched or computed once."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from harness.core.errors import UserError


def cache_dir() -> Path:
    """Returns the cache folder: ``HARNESS_CACHE``, else the user's cache folder of the system.

    The folder need not exist yet.

    Raises:
        UserError: ``HARNESS_CACHE`` names a file, or something below a file.
    """
    chosen = os.environ.get("HARNESS_CACHE")
    if not chosen:
        return Path(platformdirs.user_cache_dir("harness"))
    folder = Path(chosen).expanduser()
    for path in (folder, *folder.parents):
        if path.is_file():
            raise UserError(
                "the cache must be a folder",
                where="HARNESS_CACHE",
                found=f"{path} is a file",
                expected="a folder, or one that can be made",
            )
    return folder
