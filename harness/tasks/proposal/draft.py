"""What a proposal says, before it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.tasks.proposal.labels import ProposedLabel
from harness.tasks.proposal.splits import SplitPlan
from harness.tasks.proposal.tables import RawTable

Rows = Sequence[Mapping[str, str]]
ONE_LABEL = ("single_label", "text_pair", "ordinal")
LISTED = (*ONE_LABEL, "multi_label")
"""The kinds whose task YAML lists labels."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """What is decided by flags; None or empty where it is to be found out.

    Attributes:
        text: Columns of the text.
        label: Column of the labels or answers.
        kind: The kind of the task.
        test: Share or number of test rows to draw.
        group: Column whose equal rows stay together.
        time: Column of times.
        out_of_scope: The label of rows outside all others.
    """

    text: tuple[str, ...] = ()
    label: str | None = None
    kind: str | None = None
    test: float | None = None
    group: str | None = None
    time: str | None = None
    out_of_scope: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What the columns are.

    Attributes:
        kind: The kind of the task.
        target: The column that says what is right.
        fields: The column of each field.
        keys: What else the source of a task YAML says of its columns, by key.
        slots: Extraction: the slots of the answers; None where there are none.
    """

    kind: str
    target: str
    fields: Mapping[str, str]
    keys: Mapping[str, str | tuple[str, ...]]
    slots: Sequence[str] | None = None

    @property
    def sought(self) -> str:
        """What the target column holds, in words."""
        return "label" if self.kind in LISTED else "right answer"

    @property
    def columns(self) -> set[str]:
        """All columns that are used."""
        chosen = self.keys.get("choices", ())
        return {
            self.target,
            *self.fields.values(),
            *((chosen,) if isinstance(chosen, str) else chosen),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class HubSource:
    """A data set of the hub.

    Attributes:
        name: Its id.
        config: Its configuration, where it has several.
        splits: Its name of each of our splits.
        notes: What was decided about its splits, a sentence each.
    """

    name: str
    config: str | None
    splits: Mapping[str, str]
    notes: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A proposal.

    Attributes:
        name: The task's name.
        shape: What the columns are.
        tables: The table of each split.
        rows: The rows of each split that will be read.
        copied: Why copies are made of the files; empty where none are.
        labels: The labels; empty for kinds that list none.
        out_of_scope: The label of rows outside all others, if one was named.
        plans: Ways to draw test rows, the best first; empty where they stand apart.
        prompt: The prompt.
        max_tokens: Tokens of the longest answer, where it is written by the model.
        notes: What a user should know, a sentence each.
        hub: Where the tables come from, if not from files.
    """

    name: str
    shape: Shape
    tables: Mapping[str, RawTable]
    rows: Mapping[str, Rows]
    copied: Sequence[str]
    labels: Sequence[ProposedLabel]
    out_of_scope: str | None
    plans: Sequence[SplitPlan]
    prompt: str | None
    max_tokens: int | None
    notes: Sequence[str]
    hub: HubSource | None = None

    @property
    def pool(self) -> str:
        """The split that is trained on, or that test rows are drawn from."""
        return "train" if "train" in self.rows else "all"


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A proposal that was written.

    Attributes:
        draft: What it says.
        path: The task YAML.
        copies: The clean copies that were made of the data.
        plan: How test rows are drawn; None where they stand apart.
        train: Rows to train on.
        test: Rows to test on.
        notes: What a user should know, a sentence each.
    """

    draft: Draft
    path: Path
    copies: Sequence[Path]
    plan: SplitPlan | None
    train: int
    test: int
    notes: Sequence[str]
