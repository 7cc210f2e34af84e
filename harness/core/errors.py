"""Errors that tell a user where, what was found, what was expected, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Anything the harness refuses or cannot do; the CLI prints it without a traceback."""


class UserError(HarnessError):
    """A mistake in what the user wrote: a flag, a file, a name.

    Args:
        problem: One sentence that says what is wrong.
        where: The place: ``file``, ``file:line`` or a flag, with the field where there is one.
        found: What stood there.
        expected: What would have been right.
        hint: What to do next: the nearest right spelling, or a command to run.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        found: object = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(self.describe())

    def describe(self) -> str:
        """Returns the whole message, one line for each thing that is known."""
        lines = [f"{self.where}: {self.problem}" if self.where else self.problem]
        if self.found is not None:
            lines.append(f"  found:    {shorten(repr(self.found))}")
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  hint:     {self.hint}")
        return "\n".join(lines)


class DataError(UserError):
    """A data file that is missing, altered, or not what its task says it is."""


class ModelError(HarnessError):
    """A model that could not be fetched, verified or loaded."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known spelling closest to ``name``, or None when nothing is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def unknown_name(
    what: str, name: str, known: Iterable[str], *, where: str | None = None
) -> UserError:
    """Returns the error for a failed lookup: what exists, and the nearest right spelling."""
    names = list(known)
    close = nearest(name, names)
    return UserError(
        f"there is no {what} named {name!r}",
        where=where,
        expected=f"one of {shorten(', '.join(sorted(names)), 400)}" if names else None,
        hint=f"did you mean {close!r}?" if close else None,
    )


def shorten(text: str, limit: int = 160) -> str:
    """Returns ``text`` cut to ``limit`` characters, with a sign where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
