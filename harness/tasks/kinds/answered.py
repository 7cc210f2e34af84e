"""What the kinds that are answered with a text share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pydantic import Field

from harness.core.errors import DataError
from harness.core.types import Example, Label
from harness.tasks.kinds.base import Kind
from harness.tasks.schema import Definition
from harness.tasks.source_schema import Source

MAX_TOKENS = 4096
T = TypeVar("T", bound="TextDefinition")
S = TypeVar("S", bound=Source)


class TextDefinition(Definition):
    """A task YAML whose rows are answered with a text."""

    stop: tuple[str, ...] = Field(
        default=("\n",),
        min_length=1,
        description="Texts at which an answer ends; they are not part of it.",
    )
    max_tokens: int = Field(
        default=32, ge=1, le=MAX_TOKENS, description="Tokens of the longest answer."
    )


class TextKind(Kind[T, S]):
    """A kind whose rows are answered with a text."""

    def labels(self, examples: Iterable[Example]) -> tuple[Label, ...]:
        """Returns none."""
        return ()

    def check_targets(
        self, examples: Iterable[Example], labels: Sequence[Label], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every row has an answer."""
        for example in examples:
            if example.target is not None and not example.target:
                raise DataError("this row has no answer", where=where(example))

    def shaping(self) -> dict[str, Any]:
        """Returns where an answer ends."""
        return {"stop": list(self.definition.stop), "max_tokens": self.definition.max_tokens}

    def words(self, example: Example) -> str:
        """Returns the answer of a demonstration as a prompt shows it: the first that is right."""
        return (example.target or ("",))[0]

    @property
    def can_constrain(self) -> bool:
        """Whether rows have a list of answers they can have; see :meth:`allowed`."""
        return True

    def allowed(self, example: Example) -> tuple[str, ...]:
        """Returns the answers that a row can have; empty where any text may be one."""
        return ()
