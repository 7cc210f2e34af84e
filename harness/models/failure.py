"""How the failures of fetching and reading models are worded."""

from __future__ import annotations

from harness.core.errors import ModelError


def failure(
    problem: str,
    *,
    tried: str | None = None,
    found: str | None = None,
    expected: str | None = None,
    hint: str | None = None,
) -> ModelError:
    """Returns a :class:`ModelError` that says what was tried, what came of it, and what to do."""
    parts = {"tried": tried, "found": found, "expected": expected, "hint": hint}
    lines = [
        f"  {name + ':':<9} {text.replace(chr(10), chr(10) + ' ' * 12)}"
        for name, text in parts.items()
        if text
    ]
    return ModelError("\n".join([problem, *lines]))
