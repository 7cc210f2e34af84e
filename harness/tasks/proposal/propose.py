"""From the tables of a file to the draft of a task."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.core.errors import DataError, UserError, nearest, shorten
from harness.tasks.kinds import KINDS
from harness.tasks.proposal.choices import find_choices
from harness.tasks.proposal.columns import Column, named, number, profile, read_json, texts_in
from harness.tasks.proposal.draft import LISTED, ONE_LABEL, Draft, HubSource, Rows, Shape, Wishes
from harness.tasks.proposal.kinds import guess_kind, separator_of, slots_of
from harness.tasks.proposal.labels import (
    ProposedLabel,
    choose_prompt,
    propose_labels,
    same_but_for_case,
)
from harness.tasks.proposal.questions import Decide
from harness.tasks.proposal.rows import readable
from harness.tasks.proposal.splits import split_column_note, split_plans
from harness.tasks.proposal.tables import RawTable
from harness.tasks.proposal.targets import answer_texts, find_target
from harness.tasks.proposal.texts import field_names, find_texts

TARGET_KEYS = {"multi_label": "labels", "extraction": "answers", "generation": "answer"}
TOKENS_A_WORD = 2
TOKENS, MOST_TOKENS = 32, 4096
PromptFor = Callable[[str, str, frozenset[str]], str | None]
"""Returns the prompt to name: given the one that seems to fit, the kind, and the fields."""


def propose(
    tables: Mapping[str, RawTable],
    name: str,
    wishes: Wishes,
    decide: Decide,
    prompt_for: PromptFor = lambda prompt, _kind, _fields: prompt,
    hub: HubSource | None = None,
) -> Draft:
    """Returns the draft of a task.

    Args:
        tables: The table of each split: ``all`` alone, or ``train`` and others.
        name: The task's name.
        wishes: What is decided already.
        decide: Answers what is not clear.
        prompt_for: Chooses the prompt.
        hub: Where the tables come from, if not from files.

    Raises:
        UserError: A flag names what is not there, or something is unclear and nobody can be asked.
        DataError: No task can be made of these columns.
    """
    table = tables["train"] if "train" in tables else tables["all"]
    columns = profile(table.columns, table.rows)
    shape = _shape(columns, wishes, decide, table.place)
    for other in tables.values():
        _check_same_columns(shape, other)
    rows, reasons = readable(tables, shape)
    pool = rows.get("train") or rows["all"]
    labels = _labels(shape, rows)
    _check_labels(labels, shape, len(pool), table.place)
    plans = [] if "test" in tables else split_plans(
        profile(table.columns, pool), shape.columns, len(pool),
        share=wishes.test, group=wishes.group, time=wishes.time, classes=shape.kind in LISTED,
    )  # fmt: skip
    wanted = _fitting_prompt(shape, labels)
    return Draft(
        name=name,
        shape=shape,
        tables=tables,
        rows=rows,
        copied=reasons,
        labels=labels,
        out_of_scope=_out_of_scope(labels, shape, wishes),
        plans=plans,
        prompt=prompt_for(wanted, shape.kind, frozenset(shape.fields)),
        max_tokens=_max_tokens(shape, pool),
        notes=_notes(columns, shape, table, labels, wishes),
        hub=hub,
    )


def _shape(columns: Mapping[str, Column], wishes: Wishes, decide: Decide, place: str) -> Shape:
    for text in wishes.text:
        named(columns, text, "--text")
    if wishes.label:
        named(columns, wishes.label, "--label")
    if wishes.kind:
        KINDS.get(wishes.kind, where="--kind")
    choices = find_choices(columns, wishes.label) if _may_be("multiple_choice", wishes) else None
    if choices:
        taken = {*choices.columns, choices.answer}
        texts = wishes.text or find_texts(columns, taken, decide, place)
        listed = choices.columns[0] if len(choices.columns) == 1 else choices.columns
        keys = {"choices": listed, "answer": choices.answer, "answer_is": choices.answer_is}
        return Shape("multiple_choice", choices.answer, field_names(texts, "multiple_choice"), keys)
    if wishes.kind == "multiple_choice":
        raise DataError(
            "the choices of multiple choice are not found",
            where=place,
            found=f"the columns {', '.join(columns)}",
            expected="a column `choices` of JSON lists, or columns such as choice_a and choice_b; "
            "and one `answer` that says which is right: its index, number, letter or text",
        )
    target = wishes.label or find_target(columns, frozenset(wishes.text), decide, place)
    if target in wishes.text:
        raise UserError("this column is the text already", where="--label", found=target)
    return _of_target(columns, target, wishes, decide, place)


def _may_be(kind: str, wishes: Wishes) -> bool:
    return wishes.kind in (None, kind)


def _of_target(
    columns: Mapping[str, Column], target: str, wishes: Wishes, decide: Decide, place: str
) -> Shape:
    texts: Sequence[str] = wishes.text or find_texts(columns, {target}, decide, place)
    column, separator = columns[target], None
    if wishes.kind:
        kind = wishes.kind
        separator = separator_of(column) if kind == "multi_label" else None
    else:
        guess = guess_kind(column, [columns[name] for name in texts], decide)
        kind, separator = guess.kind, guess.separator
    if kind == "multi_label" and separator is None and column.shape != "list":
        raise DataError(
            "what stands between several labels is not clear",
            where=f"{place}, column {target!r}",
            expected='JSON lists such as ["a", "b"], or labels with ; between them',
        )
    if kind == "text_pair" and len(texts) != len(("first", "second")):
        raise UserError(
            "a pair is two texts",
            where="--kind text_pair",
            found=", ".join(texts),
            hint="name both: --text COLUMN --text COLUMN",
        )
    keys = {TARGET_KEYS.get(kind, "label"): target}
    slots = slots_of(column) if kind == "extraction" else None
    return Shape(
        kind,
        target,
        field_names(texts, kind),
        keys | ({"separator": separator} if separator else {}),
        slots,
    )


def _check_same_columns(shape: Shape, table: RawTable) -> None:
    for column in sorted(shape.columns - set(table.columns)):
        close = nearest(column, table.columns)
        raise DataError(
            f"there is no column {column!r}, which the other file has",
            where=table.place,
            expected=f"one of {shorten(', '.join(map(repr, table.columns)), 400)}",
            hint=f"call it {column!r} in both files" + (f": is it {close!r}?" if close else ""),
        )


def _labels(shape: Shape, rows: Mapping[str, Rows]) -> list[ProposedLabel]:
    if shape.kind not in LISTED:
        return []
    separator = shape.keys.get("separator")

    def of(row: Mapping[str, str]) -> Iterable[str]:
        """Returns the labels that a row names."""
        value = row[shape.target]
        if shape.kind != "multi_label":
            return [value]
        if isinstance(separator, str):
            return dict.fromkeys(filter(None, map(str.strip, value.split(separator))))
        return dict.fromkeys(texts_in(read_json(value)) or ())

    named_rows = {
        split: [name for row in some for name in of(row)]
        for split, some in rows.items()
        if split != "unlabelled"
    }
    return propose_labels(named_rows, by_number=shape.kind == "ordinal")


def _check_labels(labels: Sequence[ProposedLabel], shape: Shape, rows: int, place: str) -> None:
    if shape.kind not in LISTED:
        return
    where = f"{place}, column {shape.target!r}"
    if len(labels) < len(("one", "another")):
        raise DataError(
            "there is one label only" if labels else "there is no label",
            where=where,
            found=labels[0].name if labels else None,
            expected="at least two labels",
        )
    if len(labels) >= rows and shape.kind != "multi_label":
        raise DataError(
            "each row has a label of its own: nothing can be learned from such labels",
            where=where,
            found=f"{len(labels)} labels in {rows} rows",
            hint="name another column with --label; where these are answers in free words, "
            "--kind generation",
        )


def _fitting_prompt(shape: Shape, labels: Sequence[ProposedLabel]) -> str:
    names = [label.name for label in labels]
    return choose_prompt(shape.kind, names, shape.target, fields=shape.fields, slots=shape.slots)


def _out_of_scope(labels: Sequence[ProposedLabel], shape: Shape, wishes: Wishes) -> str | None:
    wanted = wishes.out_of_scope
    if wanted is None:
        return None
    if shape.kind not in ONE_LABEL:
        raise UserError(
            f"a task of the kind {shape.kind} has no out-of-scope label", where="--out-of-scope"
        )
    names = [label.name for label in labels]
    if wanted not in names:
        close = nearest(wanted, names)
        raise UserError(
            "there is no such label",
            where="--out-of-scope",
            found=wanted,
            expected=f"one of {shorten(', '.join(names), 400)}",
            hint=f"did you mean {close!r}?" if close else None,
        )
    return wanted


def _max_tokens(shape: Shape, rows: Rows) -> int | None:
    """Returns room for the longest answer, where that is more than the default."""
    if shape.kind not in ("generation", "extraction"):
        return None
    longest = max(
        (len(part.split()) for row in rows for part in answer_texts(row[shape.target])), default=0
    )
    needed = -(-longest * TOKENS_A_WORD // TOKENS) * TOKENS
    return min(needed, MOST_TOKENS) if needed > TOKENS else None


def _notes(
    columns: Mapping[str, Column], shape: Shape, table: RawTable,
    labels: Sequence[ProposedLabel], wishes: Wishes,
) -> list[str]:  # fmt: skip
    notes = [
        f"the labels {first!r} and {second!r} differ in case, spaces or punctuation only: if they "
        "mean the same, map one to the other with `label_map`"
        for first, second in same_but_for_case(labels)
    ]
    if shape.kind in ONE_LABEL and not wishes.out_of_scope:
        notes += [
            f"the label {label.name!r} sounds like none of the others; if so: --out-of-scope "
            f"{shlex.quote(label.name)}, or the same in the YAML"
            for label in labels
            if label.may_be_none
        ]
    if shape.kind == "ordinal" and any(number(label.name) is None for label in labels):
        notes.append(
            "the order of the labels is not known, and they stand sorted by name: put them from "
            "the lowest up in the YAML"
        )
    if note := split_column_note(columns, shape.columns):
        notes.append(note)
    if table.left_out:
        notes.append(f"columns that only some rows have are left out: {', '.join(table.left_out)}")
    if labels and all(label.name.strip().isdigit() for label in labels) and shape.kind != "ordinal":
        notes.append(
            "the labels are numbers, which mean nothing to a model: give each a verbalizer in words"
        )
    return notes
