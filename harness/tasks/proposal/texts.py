"""Which columns hold the text of a row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence

from harness.core.errors import DataError
from harness.tasks.proposal.columns import ANSWER, LABEL, SPLIT, Column
from harness.tasks.proposal.questions import Decide, Option, Question

TITLE = ("subject", "title", "headline", "heading")
MAIN = (
    "text", "body", "message", "content", "utterance", "sentence", "query", "question", "review",
    "comment", "tweet", "post", "email", "mail", "description", "instruction", "prompt", "input",
    "statement", "remark", "feedback", "complaint",
)  # fmt: skip
CONTEXT = ("context", "passage", "document", "article", "paragraph", "story", "text", "body")
ASKED = ("question", "query")
PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("question1", "question2"),
    ("question_1", "question_2"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("query", "passage"),
    ("query", "document"),
    ("claim", "evidence"),
)
SENTENCE_WORDS = 3
"""A column that is called nothing known is a text where its values have so many words."""
DIFFERENT = 0.5
"""... and at least this share of them differ."""
ADDED = ("slot",)


def find_texts(
    columns: Mapping[str, Column], taken: Container[str], decide: Decide, place: str
) -> list[str]:
    """Returns the names of the columns of the text, in the order in which it is put together.

    Args:
        columns: What each column looks like.
        taken: Columns that are something else.
        decide: Answers when it is not clear.
        place: The file, for messages.

    Raises:
        DataError: There is none.
    """
    free = {
        name: column
        for name, column in columns.items()
        if name not in taken and not column.identifies and not column.called(SPLIT)
        and column.shape == "text"
    }  # fmt: skip
    if pair := named_pair(free):
        return list(pair)
    known = {_plain(name): name for name in free}
    contexts = [known[name] for name in CONTEXT if name in known]
    asked = [known[name] for name in ASKED if name in known]
    if contexts and asked:
        return [contexts[0], asked[0]]
    mains = [known[name] for name in MAIN if name in known]
    titles = [known[name] for name in TITLE if name in known][:1]
    if len(mains) == 1:
        return [*titles, *mains]
    if mains:
        return _ask(mains, free, decide)
    found = [name for name in _by_content(free) if name not in titles]
    if titles and len(found) <= 1:
        return [*titles, *found]
    if len(found) > 1:
        return _ask(found, free, decide)
    if not found:
        raise DataError(
            "no column of texts is found",
            where=place,
            found=f"the columns {', '.join(columns)}",
            hint="name it: --text COLUMN",
        )
    return found


def named_pair(columns: Mapping[str, Column]) -> tuple[str, str] | None:
    """Returns the two columns whose names say that they are a pair."""
    known = {_plain(name): name for name in columns}
    pairs = (pair for pair in PAIRS if known.keys() >= set(pair))
    return next(((known[first], known[second]) for first, second in pairs), None)


def field_names(texts: Sequence[str], kind: str) -> dict[str, str]:
    """Returns the column of each field, in order.

    Prompts call the two texts of a pair premise and hypothesis, so these are the fields' names;
    a text that stands alone is called text, unless it is a question.
    """
    if kind == "text_pair":
        return dict(zip(("premise", "hypothesis"), texts, strict=True))
    if len(texts) == 1 and _plain(texts[0]) not in ASKED:
        return {"text": texts[0]}
    fields: dict[str, str] = {}
    for column in texts:
        name = _slug(column)
        while name in fields or name in ADDED:
            name += "_"
        fields[name] = column
    return fields


def _by_content(columns: Mapping[str, Column]) -> list[str]:
    """Returns the columns that read like texts, the longest first; else any whose values differ."""
    other = {name: one for name, one in columns.items() if not one.called(LABEL | ANSWER)}
    different = [
        name for name, one in other.items() if one.distinct >= DIFFERENT * max(one.filled, 1)
    ]
    different.sort(key=lambda name: -columns[name].characters)
    return [name for name in different if columns[name].words >= SENTENCE_WORDS] or different[:1]


def _ask(names: list[str], columns: Mapping[str, Column], decide: Decide) -> list[str]:
    single = [
        Option(name, f"{columns[name].words:.0f} words a row", _flags([name])) for name in names
    ]
    in_order = [name for name in columns if name in names]
    together = Option(" + ".join(in_order), "all of them together", _flags(in_order))
    options = [*single, together]
    chosen = decide(Question("Which column is the text?", options))
    return in_order if chosen is together else [chosen.value]


def _flags(names: Sequence[str]) -> str:
    return " ".join(f"--text {name!r}" if " " in name else f"--text {name}" for name in names)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")


def _slug(name: str) -> str:
    """Returns a column's name as the name of a field."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"\W+", "_", latin).strip("_").lower() or "text"
    return f"text_{slug}" if slug[0].isdigit() else slug
