"""Which kind of task a file holds."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.tasks.proposal.columns import (
    ANSWER,
    LABEL,
    RATING,
    Column,
    number,
    read_json,
    texts_in,
)
from harness.tasks.proposal.questions import Decide, Option, Question
from harness.tasks.proposal.targets import is_answer_object, occurs_in
from harness.tasks.proposal.texts import named_pair

SEPARATORS = ("; ", ";", "|", ", ", ",")
UNSURE_SEPARATORS = (", ", ",")
ONE_TEXT = frozenset({"subject", "title", "headline", "heading", "body"})
"""Two columns of which one is called so are one text."""
LONGEST_PART = 40  # characters
COME_AGAIN = 0.7
"""The share of the parts of cells that must stand in several cells to be labels."""
IN_THE_TEXT = 0.8
"""The share of answers that must stand in their text to be taken from it."""
RATINGS = range(3, 12)
"""How many different numbers a rating has: 3 to 11."""
PAIR_LABELS = frozenset({
    "entailment", "neutral", "contradiction", "not_entailment", "entails", "duplicate",
    "not_duplicate", "paraphrase", "not_paraphrase", "equivalent", "not_equivalent", "relevant",
    "not_relevant", "irrelevant", "supports", "refutes", "similar",
})  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Guess:
    """A kind and how its labels are written.

    Attributes:
        kind: The name of the kind.
        separator: Multi-label: what stands between labels; None for a JSON list.
    """

    kind: str
    separator: str | None = None


def guess_kind(target: Column, texts: Sequence[Column], decide: Decide) -> Guess:
    """Returns the kind of a task.

    Args:
        target: The column of labels or answers.
        texts: The columns of the text.
        decide: Answers when it is not clear.
    """
    if target.shape in ("list", "object") or _is_free_text(target):
        return Guess(_of_answers(target, texts))
    if pair := _pair(target, texts, decide):
        return Guess(pair)
    separator = separator_of(target)
    if separator in UNSURE_SEPARATORS:
        asked = f"Do commas in the column {target.name!r} stand between several labels?"
        several = _option("multi_label", "they do: a text may have several labels")
        single = _option("single_label", "they are part of one label")
        if decide(Question(asked, [several, single])) is single:
            separator = None
    if separator:
        return Guess("multi_label", separator)
    return Guess(_single_or_ordinal(target, decide))


def separator_of(column: Column) -> str | None:
    """Returns what stands between labels: the parts come again in other cells, and are fewer."""
    filled = [value for value in column.values if value.strip()]
    for separator in SEPARATORS:
        lists = [[part.strip() for part in value.split(separator)] for value in filled]
        parts = Counter(part for one in lists for part in one if part)
        several = [one for one in lists if len(one) > 1]
        if (
            several
            and len(parts) < column.distinct
            and max(map(len, parts)) <= LONGEST_PART
            and sum(count > 1 for count in parts.values()) >= COME_AGAIN * len(parts)
        ):
            return separator
    return None


def _is_free_text(target: Column) -> bool:
    if separator_of(target):
        return False
    return not target.few and (target.called(ANSWER) or not target.called(LABEL | RATING))


def _of_answers(target: Column, texts: Sequence[Column]) -> str:
    values = [value for value in map(read_json, target.values) if value is not None]
    if target.shape == "list" and not target.called(ANSWER):
        parts = [part for value in values for part in texts_in(value) or ()]
        if len(set(parts)) < len(parts) / 2:
            return "multi_label"
    if any(isinstance(value, dict) for value in values):
        return "extraction"
    return "extraction" if occurs_in(target, texts) >= IN_THE_TEXT else "generation"


def _pair(target: Column, texts: Sequence[Column], decide: Decide) -> str | None:
    """Returns the kind of a task with two texts; None where that says nothing."""
    if len(texts) != len(("first", "second")) or not target.few:
        return None
    labels = {value.strip().casefold().replace(" ", "_") for value in target.values}
    if labels & PAIR_LABELS or named_pair({column.name: column for column in texts}):
        return "text_pair"
    if any(column.called(ONE_TEXT) for column in texts):
        return None
    asked = "Is the label about how the two texts go together?"
    pair = _option("text_pair", "it is: entailment, paraphrase, relevance")
    single = _option("single_label", "the two are one text in two columns")
    return decide(Question(asked, [single, pair])).value


def _single_or_ordinal(target: Column, decide: Decide) -> str:
    steps = sorted({value for text in target.values if (value := number(text)) is not None})
    numbers = target.shape == "number" and target.distinct == len(steps)
    if not numbers or len(steps) not in RATINGS:
        return "single_label"
    if target.called(RATING):
        return "ordinal"
    if steps != [steps[0] + step for step in range(len(steps))] or steps[0] not in (0, 1):
        return "single_label"
    asked = f"Do the numbers in the column {target.name!r} have an order, as ratings do?"
    single = _option("single_label", "they only stand for labels")
    ordinal = _option("ordinal", "they do")
    guess = [ordinal, single] if steps[0] == 1 else [single, ordinal]
    return decide(Question(asked, guess)).value


def _option(kind: str, reason: str) -> Option:
    return Option(kind, reason, f"--kind {kind}")


def slots_of(target: Column) -> list[str] | None:
    """Returns the slots of answers that are objects, the most frequent first; None: no slots."""
    values: list[Any] = [value for value in map(read_json, target.values) if value is not None]
    if not values or not all(isinstance(value, dict) for value in values):
        return None
    if all(map(is_answer_object, values)):
        return None
    return [slot for slot, _ in Counter(slot for value in values for slot in value).most_common()]
