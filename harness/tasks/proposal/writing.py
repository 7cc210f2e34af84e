"""A draft as a task YAML with comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.tasks.kinds import KINDS
from harness.tasks.proposal.columns import number
from harness.tasks.proposal.draft import Draft
from harness.tasks.proposal.labels import ProposedLabel
from harness.tasks.proposal.scalars import comment, quote, quoted_list
from harness.tasks.proposal.splits import SplitPlan

FILL_IN = "fill in"


def render(
    draft: Draft, files: Mapping[str, str], sha256: Mapping[str, str], plan: SplitPlan | None
) -> str:
    """Returns the task YAML of a draft.

    Args:
        draft: The draft.
        files: The path of each split's file, as the YAML says it; empty for the hub.
        sha256: The sha256 of each, in hexadecimal.
        plan: How test rows are drawn; None where they stand apart.
    """
    sections: list[Iterator[str]] = [_head(draft), _data(draft, files, sha256, plan)]
    if plan is not None:
        sections.append(_splits(plan))
    if draft.labels:
        sections.append(_labels(draft))
    if draft.shape.slots is not None:
        sections.append(_slots(draft.shape.slots))
    sections.append(_tail(draft))
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in sections)


def _head(draft: Draft) -> Iterator[str]:
    kind = draft.shape.kind
    yield f'# Proposed by `harness tasks new`. What waits for you is marked "{FILL_IN}".'
    yield "# Every value is read as text: a label such as yes, 007 or None stays what it is."
    yield "version: 1  # raise it whenever a score could change"
    yield f"kind: {kind}  # {KINDS.get(kind).summary}"
    yield f'description: ""  # {FILL_IN}: what is asked of a text, in a line'


def _data(
    draft: Draft, files: Mapping[str, str], sha256: Mapping[str, str], plan: SplitPlan | None
) -> Iterator[str]:
    shape = draft.shape
    yield "data:"
    counts = ", ".join(f"{len(rows)} {_rows_of(split)}" for split, rows in draft.rows.items())
    yield f"  # {counts}"
    yield from (f"  # {comment(reason)}" for reason in draft.copied)
    if unused := _unused(draft, plan):
        yield f"  # columns that are not used: {comment(', '.join(unused))}"
    if draft.hub:
        yield f"  - hub: {quote(draft.hub.name)}"
        yield from [f"    config: {quote(draft.hub.config)}"] if draft.hub.config else []
        yield "    splits:"
        yield from (f"      {ours}: {quote(name)}" for ours, name in draft.hub.splits.items())
    else:
        yield "  - files:"
        yield from (f"      {split}: {quote(name)}" for split, name in files.items())
        yield "    sha256:  # a file that was changed is refused; take the line away to allow it"
        yield from (f"      {split}: {value}" for split, value in sha256.items())
    yield "    fields:  # what prompts call it: the column"
    yield from (f"      {field}: {quote(column)}" for field, column in shape.fields.items())
    for key, value in shape.keys.items():
        yield f"    {key}: {quote(value) if isinstance(value, str) else quoted_list(value)}"
    if plan is not None and plan.key and plan.column:
        yield f"    {plan.key}: {quote(plan.column)}"


def _rows_of(split: str) -> str:
    return {"all": "rows", "train": "rows to train on", "test": "rows to test on"}.get(
        split, f"{split} rows"
    )


def _unused(draft: Draft, plan: SplitPlan | None) -> list[str]:
    used = draft.shape.columns | ({plan.column} if plan else set())
    return [name for name in draft.tables[next(iter(draft.tables))].columns if name not in used]


def _splits(plan: SplitPlan) -> Iterator[str]:
    first, *others = plan.why
    yield f"# Test rows: {comment(first)}"
    yield from (f"# {comment(reason)}" for reason in others)
    yield "splits:"
    yield f"  test: {plan.test:g}"


def _labels(draft: Draft) -> Iterator[str]:
    listed = [label for label in draft.labels if label.name != draft.out_of_scope]
    order = ""
    if draft.shape.kind == "ordinal":
        known = all(number(label.name) is not None for label in listed)
        order = ", from the lowest up" if known else f"; {FILL_IN}: put them from the lowest up"
    yield f"# {len(listed)} labels{order}. A prompt shows a label as its verbalizer; a description"
    yield "# of what belongs to it helps methods that read it, and people who label more."
    yield "labels:"
    for label in listed:
        yield f"  - name: {quote(label.name)}  # {_counted(label)}"
        yield f"    verbalizer: {quote(label.verbalizer)}"
        yield f'    description: ""  # {FILL_IN}'
    for label in draft.labels:
        if label.name == draft.out_of_scope:
            yield f"# Rows outside all labels, predicted and counted apart: {_counted(label)}."
            yield f"out_of_scope: {quote(label.name)}"
        elif label.may_be_none and draft.out_of_scope is None and _may_reject(draft):
            name = quote(label.name)
            yield f"# If {comment(name)} means none of the others, take it off the list and write:"
            yield f"# out_of_scope: {comment(name)}"


def _may_reject(draft: Draft) -> bool:
    return draft.shape.kind != "multi_label"


def _counted(label: ProposedLabel) -> str:
    if len(label.rows) == 1:
        return f"{next(iter(label.rows.values()))} rows"
    return ", ".join(f"{count} {split}" for split, count in label.rows.items())


def _slots(slots: Sequence[str]) -> Iterator[str]:
    yield f"slots:  # what is looked for, and the question for it ({FILL_IN} better ones)"
    for slot in slots:
        words = comment(slot.replace("_", " "))
        yield f"  {quote(slot)}: {quote(f'What is the {words}?')}"


def _tail(draft: Draft) -> Iterator[str]:
    if draft.max_tokens:
        yield f"max_tokens: {draft.max_tokens}  # room for the longest answer"
    if draft.prompt:
        yield f"prompt: {quote(draft.prompt)}"
    else:
        yield f"# prompt: NAME  # {FILL_IN}; `harness prompts list` shows what there is"
    yield f'licence: ""  # {FILL_IN}: of the data, or: not for publication'
