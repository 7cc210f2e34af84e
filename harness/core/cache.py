"""The folder in which the harness keeps what it fetched or computed once."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Returns the cache folder: ``HARNESS_CACHE``, else the user's cache folder of the system.

    The folder need not exist yet.
    """
    chosen = os.environ.get("HARNESS_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("harness"))
