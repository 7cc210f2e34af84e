"""How a peer's script is asked, and how it answers: two files of JSON named on its command line."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def serve(description: str | None, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Reads the request, and writes what ``answer`` makes of it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("request", type=Path)
    parser.add_argument("answer", type=Path)
    options = parser.parse_args()
    found = answer(json.loads(options.request.read_text(encoding="utf-8")))
    options.answer.write_text(json.dumps(found), encoding="utf-8")
