"""What ``harness tasks show`` says of a task: its labels as bars, some rows, and its prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.core.types import Example
    from harness.prompts.template import PromptTemplate
    from harness.tasks.task import Task

BAR = 20
COMMON = 10
"""Answers shown of a task whose rows are answered with a text."""
HEADS = {"label": "label", "labels": "label", "choice": "right", "text": "answer"}
NONE, OTHERS = "(none)", "(others)"


def task_lines(task: Task, rows: int) -> Iterator[str]:
    """Gives the lines that describe a task.

    Args:
        task: The task.
        rows: How many sample rows at most, one of each label.
    """
    yield f"{task.name} (version {task.version}, {task.kind})"
    yield task.description
    yield f"licence: {task.licence or 'not given'}"
    yield from (f"{split}: {origin}" for split, origin in task.source.items())
    source = f"{len(task.source_rows)} source, " if task.source_rows else ""
    yield (
        f"rows: {source}{len(task.train)} train, {len(task.validation)} validation, "
        f"{len(task.test)} test, {len(task.unlabelled)} unlabelled"
    )
    yield ""
    yield from distribution(task)
    for example in samples(task, rows):
        yield ""
        yield from row_lines(task, example)


def distribution(task: Task) -> Iterator[str]:
    """Gives a line for each label: its rows in each split, as numbers and bars.

    A split's longest bar is its most frequent label.
    """
    splits = {
        "source": task.source_rows,
        "train": task.train,
        "validation": task.validation,
        "test": task.test,
    }
    counts = {
        name: Counter(value for row in rows for value in _counted(task, row))
        for name, rows in splits.items()
        if rows
    }
    names = _names(task, counts)
    width = max(map(len, [*names, HEADS[task.rules.answer]]))
    digits = {name: max(len(name), len(str(len(splits[name])))) for name in counts}
    heads = "".join(f"  {name:>{digits[name]}}  {'':{BAR}}" for name in counts)
    yield f"{HEADS[task.rules.answer]:{width}}{heads}".rstrip()
    for name in names:
        cells = "".join(
            f"  {_count(counted, name, names):{digits[split]}}  {_bar(counted, name, names):{BAR}}"
            for split, counted in counts.items()
        )
        yield f"{name:{width}}{cells}".rstrip()


def _counted(task: Task, row: Example) -> tuple[str, ...]:
    """Returns what a row counts for in the distribution."""
    if task.rules.answer == "text":
        return (next(iter(row.target or ()), "") or NONE,)
    if task.rules.answer == "labels":
        return task.rules.classes(row) or (NONE,)
    return (str(row.target),)


def _names(task: Task, counts: dict[str, Counter[str]]) -> list[str]:
    """Returns the labels in the task's order; of answers the most common ones."""
    found = Counter(value for counted in counts.values() for value in counted.elements())
    if task.rules.answer == "text":
        common = [name for name, _ in found.most_common(COMMON)]
        return [*common, OTHERS] if len(found) > len(common) else common
    names = [label.name for label in task.labels]
    return [*names, *(name for name in (task.out_of_scope, NONE) if name in found and name)]


def _count(counted: Counter[str], name: str, names: Sequence[str]) -> int:
    if name == OTHERS:
        return counted.total() - sum(counted[other] for other in names)
    return counted[name]


def _bar(counted: Counter[str], name: str, names: Sequence[str]) -> str:
    most = max(counted[other] for other in names) or 1
    return "█" * min(round(BAR * _count(counted, name, names) / most), BAR)


def samples(task: Task, rows: int) -> list[Example]:
    """Returns rows of train (of test where there are none), of each label at most one."""
    chosen: dict[tuple[str, ...], Example] = {}
    for example in task.train or task.source_rows or task.test:
        chosen.setdefault(_counted(task, example), example)
        if len(chosen) >= rows:
            break
    return list(chosen.values())[:rows]


def row_lines(task: Task, example: Example) -> Iterator[str]:
    """Gives a row as people read it: what is right, its fields, its choices."""
    right = example.target if isinstance(example.target, str) else " | ".join(example.target or ())
    fields = {name: value for name, value in example.fields.items() if value not in (None, "")}
    if len(example.fields) == 1:
        yield f"[{right or NONE}] {task.text(example)}"
    else:
        yield f"[{right or NONE}]"
        yield from (f"  {name}: {value}" for name, value in fields.items())
    for label, choice in zip(task.labels, example.choices, strict=False):
        yield f"  {'*' if label.name == right else ' '} {label.name}. {choice}"


def prompt_text(template: PromptTemplate, task: Task, example: Example) -> str:
    """Returns a prompt without demonstrations, as running text, for a row of a task."""
    from harness.prompting.build import shot_of

    shot = shot_of(template, task.rules, example)
    return template.head(task.labels) + template.tail(shot)
