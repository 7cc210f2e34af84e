"""Which column says what is right."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from harness.core.errors import DataError
from harness.tasks.proposal.columns import ANSWER, LABEL, RATING, SPLIT, Column, read_json, texts_in
from harness.tasks.proposal.questions import Decide, Option, Question

NAMED_EXACTLY, NAMED_IN_PART, ANSWERS, LOOKS_SO = 4, 3, 2, 1
MOST_PARTS = 0.5
"""The parts of lists are labels where there are at most so many different ones a row."""


def find_target(
    columns: Mapping[str, Column], taken: Container[str], decide: Decide, place: str
) -> str:
    """Returns the name of the column of labels or answers.

    Args:
        columns: What each column looks like.
        taken: Columns that are something else.
        decide: Answers when it is not clear.
        place: The file, for messages.

    Raises:
        DataError: There is none.
    """
    scores = {
        name: score
        for name, column in columns.items()
        if name not in taken and (score := _score(column))
    }
    if not scores:
        raise _nothing_found(columns, place)
    if any(score > LOOKS_SO for score in scores.values()):
        scores = {name: score for name, score in scores.items() if score > LOOKS_SO}
    best = sorted(scores, key=lambda name: -scores[name])
    best = _without_twins([columns[name] for name in best])
    if len(best) == 1:
        return best[0]
    options = [Option(name, describe(columns[name]), _flag(name)) for name in best]
    return decide(Question("Which column is the label?", options)).value


def describe(column: Column) -> str:
    """Returns what a column's values look like, in a few words."""
    return f"{column.distinct} different values in {column.filled} rows"


def _score(column: Column) -> int:
    """Returns how much speaks for a column; 0 is nothing."""
    if column.distinct < 1 or column.shape in ("date", "address", "empty"):
        return 0
    if column.called(SPLIT):
        return 0
    whole = "_".join(column.parts & (LABEL | RATING | ANSWER)) if len(column.parts) == 1 else ""
    if whole in LABEL or whole in RATING:
        return NAMED_EXACTLY
    if column.called(LABEL) and (column.few or column.shape in ("list", "object")):
        return NAMED_IN_PART
    if whole in ANSWER or (column.called(ANSWER) and not column.identifies):
        return ANSWERS
    if column.identifies:
        return 0
    return LOOKS_SO if column.few or _lists_of_labels(column) else 0


def _lists_of_labels(column: Column) -> bool:
    if column.shape != "list":
        return False
    parts = {part for value in column.values for part in texts_in(read_json(value)) or ()}
    return 1 < len(parts) <= MOST_PARTS * column.filled


def _without_twins(columns: Sequence[Column]) -> list[str]:
    """Returns the names without columns that say the same as another, in numbers or longer."""
    kept: list[Column] = []
    for column in columns:
        twin = next((one for one in kept if _same(one, column)), None)
        if twin is None:
            kept.append(column)
        elif twin.shape == "number" and column.shape != "number":
            kept[kept.index(twin)] = column
    return [column.name for column in kept]


def _same(first: Column, second: Column) -> bool:
    pairs = set(zip(first.values, second.values, strict=True))
    return first.distinct == second.distinct == len(pairs)


def _flag(name: str) -> str:
    return f"--label {name!r}" if " " in name else f"--label {name}"


def _nothing_found(columns: Mapping[str, Column], place: str) -> DataError:
    return DataError(
        "no column of labels is found",
        where=place,
        found="; ".join(f"{column.name}: {describe(column)}" for column in columns.values()),
        expected="a column of few different values, or one called label, class, intent or answer",
        hint="name it: --label COLUMN",
    )


def occurs_in(answers: Column, texts: Iterable[Column]) -> float:
    """Returns the share of the rows with an answer in which each answer stands in the text."""
    found = total = 0
    for row in zip(answers.values, *(column.values for column in texts), strict=True):
        parts = answer_texts(row[0])
        if parts:
            total += 1
            text = "\n".join(row[1:]).casefold()
            found += all(part.strip().casefold() in text for part in parts)
    return found / total if total else 0.0


def answer_texts(value: str) -> list[str]:
    """Returns the texts in a cell of answers, whichever way they are written."""
    read = read_json(value)
    if read is None:
        return [value] if value.strip() else []
    if isinstance(read, dict) and not is_answer_object(read):
        nested = [[one] if isinstance(one, str) else one for one in read.values()]
        return [part for one in nested for part in texts_in(one) or ()]
    return texts_in(read.get("text") if isinstance(read, dict) else read) or []


def is_answer_object(value: object) -> bool:
    """Returns whether a JSON value is ``{"text": [...]}``, as SQuAD's answers are."""
    return isinstance(value, dict) and isinstance(value.get("text"), list)
