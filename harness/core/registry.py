"""Name tables: a name, where its class lies, and what a plan must know before importing it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from harness.core.errors import HarnessError, unknown_name


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One line of a name table.

    Attributes:
        name: What users write.
        path: ``package.module:Class``, imported on first use.
        summary: One line for lists and docs.
    """

    name: str
    path: str
    summary: str

    def load(self) -> Any:
        """Imports and returns the class."""
        module, _, attribute = self.path.partition(":")
        return getattr(importlib.import_module(module), attribute)


E = TypeVar("E", bound=Entry)


class Registry(Generic[E]):
    """The entries of one folder by name, and those that installed packages add to it.

    Args:
        what: The singular noun of the things listed, for messages.
        entries: The folder's own lines.
        group: The entry-point group through which other packages add lines; each entry point
            names an :class:`Entry` (of the folder's own subclass).
    """

    def __init__(self, what: str, entries: list[E], group: str) -> None:
        self.what = what
        self.group = group
        self._own = {entry.name: entry for entry in entries}
        self._all: dict[str, E] | None = None

    def entries(self) -> Mapping[str, E]:
        """Returns every entry by name, the folder's own first."""
        if self._all is None:
            self._all = dict(self._own)
            for point in entry_points(group=self.group):
                entry = point.load()
                if entry.name in self._own:
                    raise HarnessError(
                        f"the entry point {point.value!r} would replace the {self.what} "
                        f"{entry.name!r}; give it another name"
                    )
                self._all[entry.name] = entry
        return self._all

    def __iter__(self) -> Iterator[E]:
        return iter(self.entries().values())

    def __contains__(self, name: object) -> bool:
        return name in self.entries()

    def get(self, name: str, *, where: str | None = None) -> E:
        """Returns the entry of that name.

        Raises:
            UserError: There is none; the message lists what exists.
        """
        try:
            return self.entries()[name]
        except KeyError:
            raise unknown_name(self.what, name, self.entries(), where=where) from None
