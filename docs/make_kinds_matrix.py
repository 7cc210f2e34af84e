"""Writes the tables of docs/kinds.md from the name tables: ``python docs/make_kinds_matrix.py``."""

from __future__ import annotations

import re
from pathlib import Path

from harness.methods import METHODS
from harness.metrics import METRICS
from harness.tasks.kinds import KINDS

TARGET = Path(__file__).with_name("kinds.md")
BLOCK = "<!-- {name} -->\n{table}\n<!-- end -->"


def tables() -> dict[str, str]:
    """Returns each table by the name of its place in the page."""
    kinds = [entry.name for entry in KINDS]
    head = ["method", *kinds]
    rows = [
        [f"`{method.name}`", *("yes" if kind in method.kinds else "" for kind in kinds)]
        for method in METHODS
    ]
    metrics = [
        [f"`{kind}`", ", ".join(f"`{one.name}`" for one in METRICS if kind in one.kinds)]
        for kind in kinds
    ]
    return {"methods": table(head, rows), "metrics": table(["kind", "metrics"], metrics)}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(text: str) -> str:
    """Returns a page with its tables as they are now."""
    for name, new in tables().items():
        pattern = BLOCK.format(name=name, table="(?:.*?)")
        block = BLOCK.format(name=name, table=new)
        text = re.sub(pattern, lambda _, block=block: block, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    TARGET.write_text(page(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
