"""What a run's numbers depend on besides data and settings: versions and machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness import __version__
from harness.models.device import numerics

PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "tokenizers",
    "scikit-learn",
    "scipy",
    "numpy",
    "pandas",
    "pyarrow",
)


def environment() -> dict[str, Any]:
    """Returns versions and machine as JSON; no user name, host name or path."""
    return {
        "harness": __version__,
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "numerics": numerics(),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
