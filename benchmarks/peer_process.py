"""A peer's script, run by the Python of its own environment on a request written as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.models.device import choose_device, compute_threads

PEERS = Path(__file__).resolve().parent / "peers"


def ask(python: Path, script: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Runs a script of ``peers/`` and returns what it answers.

    The request gets the number of threads and the device; the answer gets ``process_seconds``,
    what the whole process took.

    Args:
        python: The Python of the peer's environment.
        script: The file's name.
        request: What the script reads.
    """
    place = {"threads": compute_threads(), "device": choose_device()}
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps({**request, **place}), encoding="utf-8")
        started = time.perf_counter()
        done = subprocess.run(
            [python.absolute(), PEERS / script, asked, answered],
            cwd=folder,  # what a peer writes of its own accord goes with it
            env={**os.environ, **same_threads(), "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"the peer failed:\n{done.stderr}")
        answer = json.loads(answered.read_text(encoding="utf-8"))
    return {**answer, "process_seconds": seconds}


def same_threads() -> dict[str, str]:
    """Returns the environment variables that give another process as many threads as this one."""
    return {"OMP_NUM_THREADS": str(compute_threads())}
