"""The labels of a proposal: their words in a prompt, their counts, and which may be none."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.tasks.proposal.columns import number

OUT_OF_SCOPE = frozenset({
    "none", "other", "others", "oos", "out_of_scope", "out_of_domain", "ood", "unknown", "nota",
    "misc", "miscellaneous", "no_intent", "no_nodes_detected", "na", "n_a", "nothing",
    "none_of_the_above", "outofscope", "undefined",
})  # fmt: skip
SENTIMENTS = frozenset({
    "positive", "negative", "neutral", "pos", "neg", "mixed", "very_positive", "very_negative",
    "good", "bad",
})  # fmt: skip
ACRONYM = 4  # letters
READ = {"context", "question"}
PROMPTS = {
    "single_label": "intent_v1",
    "text_pair": "entailment_v1",
    "multiple_choice": "choices_v1",
    "multi_label": "labels_v1",
    "ordinal": "rating_v1",
    "extraction": "extract_v1",
    "generation": "answer_v1",
}


@dataclasses.dataclass(frozen=True, slots=True)
class ProposedLabel:
    """A label.

    Attributes:
        name: The label.
        verbalizer: A guess at its words in a prompt.
        rows: Rows with it, by split.
    """

    name: str
    verbalizer: str
    rows: Mapping[str, int]

    @property
    def may_be_none(self) -> bool:
        """Whether its name says that a text belongs to none of the others."""
        return plain(self.name) in OUT_OF_SCOPE


def propose_labels(rows: Mapping[str, Iterable[str]], *, by_number: bool) -> list[ProposedLabel]:
    """Returns the labels in their order.

    Args:
        rows: The label of every row, by split; with several labels a row, each of them.
        by_number: Whether they have the order of their numbers; else they are sorted.
    """
    counts = {split: Counter(names) for split, names in rows.items()}
    names = sorted({name for one in counts.values() for name in one})
    if by_number:
        names.sort(key=lambda name: (number(name) is None, number(name) or 0.0))
    words = verbalizers(names)
    return [
        ProposedLabel(name, words[name], {split: one[name] for split, one in counts.items()})
        for name in names
    ]


def verbalizers(names: Sequence[str]) -> dict[str, str]:
    """Returns a guess at each label's words; its name where two would be the same."""
    words = {name: guess_words(name) for name in names}
    while True:
        counts = Counter(words.values())
        clashing = [
            name for name, guess in words.items() if guess != name and counts[guess] > 1
        ]  # fmt: skip
        if not clashing:
            return words
        words |= {name: name for name in clashing}


def guess_words(name: str) -> str:
    """Returns a label's name as words: ``CANCEL_ORDER`` is "cancel order"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", name)
    if not re.search(r"\s", name):
        apart = re.sub(r"(?<=\w)-(?=\w)", " ", apart) if not re.search(r"\d-\d", apart) else apart
    words = apart.replace("_", " ").split()
    if name.isupper() and (len(words) > 1 or len(name) > ACRONYM):
        words = [word.lower() for word in words]
    elif apart != name and "_" not in name:
        words = [word.lower() if word.istitle() else word for word in words]
    return " ".join(words) or name


def same_but_for_case(labels: Sequence[ProposedLabel]) -> list[tuple[str, str]]:
    """Returns pairs of labels that differ in case, spaces or punctuation only."""
    seen: dict[str, str] = {}
    pairs = []
    for label in labels:
        key = plain(label.name)
        if key and key in seen:
            pairs.append((seen[key], label.name))
        seen.setdefault(key, label.name)
    return pairs


def choose_prompt(
    kind: str,
    names: Iterable[str],
    target: str,
    *,
    fields: Collection[str] = (),
    slots: Sequence[str] | None = None,
) -> str:
    """Returns the name of the shipped prompt that fits.

    Args:
        kind: The kind of the task.
        names: Its labels.
        target: The name of their column.
        fields: The names of its fields.
        slots: Extraction: what is asked of every text, if there are several things.
    """
    if kind == "extraction" and slots:
        return "extract_slot_v1"
    if kind in ("extraction", "generation") and set(fields) >= READ:
        return "read_answer_v1"
    known = {plain(name) for name in names}
    if kind == "single_label" and plain(target) in ("topic", "topics"):
        return "topic_v1"
    if kind == "single_label" and known and known <= SENTIMENTS:
        return "sentiment_v1"
    return PROMPTS[kind]


def plain(name: str) -> str:
    """Returns a label's name without case and punctuation."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
