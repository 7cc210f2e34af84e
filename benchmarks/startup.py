"""How long the commands take that a user types first: ``python benchmarks/startup.py``.

Each is run five times in a process of its own; the fastest counts, because others may be using the
machine.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 5
COMMANDS = (["--help"], ["tasks", "list"], ["prompts", "list"], ["methods", "list"])


def main() -> None:
    """Prints the seconds of each command."""
    for arguments in COMMANDS:
        seconds = min(timed(arguments) for _ in range(RUNS))
        print(f"harness {' '.join(arguments)}: {seconds:.2f} s")


def timed(arguments: list[str]) -> float:
    """Returns the seconds that one command takes."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "harness", *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
