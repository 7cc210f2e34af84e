"""Test rows drawn where a source has none of its own."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence

from harness.core.errors import DataError
from harness.core.files import sha256_bytes
from harness.core.types import Example
from harness.tasks.schema import Splits


class _WithoutPunctuation(dict[int, int | None]):
    """A table for ``str.translate`` that learns each character's category when it meets it."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


_TABLE = _WithoutPunctuation()


def normalised(text: str) -> str:
    """Returns a text without case, punctuation and extra white space, to find equal ones.

    A text that is nothing but punctuation keeps it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_TABLE).split()) or folded.strip()


def draw_test(
    examples: Sequence[Example], splits: Splits, text: Callable[[Example], str]
) -> tuple[list[Example], list[Example]]:
    """Divides labelled rows into train and test, in file order.

    Each label gives its share, but keeps at least one text to train on. Rows are taken in the
    order of the sha256 of the seed and their text, so the split depends on no library's generator
    and a row added later moves no other.
    Rows with equal text (case, punctuation, white space aside) stay together, on the side that
    the label of the first of them decides.

    Args:
        examples: All rows.
        splits: How many rows to test on, and the seed.
        text: The text of an example.

    Returns:
        The rows to train on and those to test on. There may be a few test rows fewer than asked
        for, where equal texts would have to be divided or a label would have no row left.

    Raises:
        DataError: As many test rows as there are rows, or more; or no row can be spared.
    """
    if splits.test >= max(len(examples), 1):
        raise DataError(
            "too few rows to draw the test rows from",
            found=f"{len(examples)} rows",
            expected=f"more than {splits.test:g}",
        )
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[normalised(text(example))].append(example)
    chosen = _chosen(groups, splits, len(examples))
    if not chosen:
        raise DataError(
            "no row can be spared to test on: each label keeps a text to train on",
            found=f"{len(examples)} rows, {len(groups)} different texts",
            expected=f"enough to draw {splits.test:g} from",
        )
    train = [example for example in examples if example.row not in chosen]
    return train, [example for example in examples if example.row in chosen]


def _chosen(groups: dict[str, list[Example]], splits: Splits, count: int) -> set[int]:
    """Returns the numbers of the test rows, out of groups of rows with equal text."""
    order = {key: _order(splits.seed, key) for key in groups}
    kept = _kept(groups, order)
    by_label: dict[str, list[str]] = defaultdict(list)
    for key in sorted(groups, key=order.__getitem__):
        by_label[str(groups[key][0].target)].append(key)
    sizes = {
        label: sum(len(groups[key]) for key in keys)
        for label, keys in by_label.items()
        if not kept.issuperset(keys)
    }
    shares = apportion(sizes, splits.test if splits.test >= 1 else splits.test * count)
    chosen: set[int] = set()
    for label, share in shares.items():
        left = share
        for key in by_label[label]:
            if key not in kept and len(groups[key]) <= left:
                chosen.update(example.row for example in groups[key])
                left -= len(groups[key])
    return chosen


def _kept(groups: dict[str, list[Example]], order: dict[str, str]) -> set[str]:
    """Returns the texts that stay in train: of each label's, the last to be drawn."""
    last: dict[str, str] = {}
    for key, group in groups.items():
        for example in group:
            label = str(example.target)
            last[label] = max(last.get(label, key), key, key=order.__getitem__)
    return set(last.values())


def apportion(sizes: dict[str, int], total: float) -> dict[str, int]:
    """Returns how many of ``total`` each label gives: in proportion, by largest remainder."""
    count = sum(sizes.values())
    exact = {label: total * size / count for label, size in sizes.items()}
    shares = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: (shares[label] - exact[label], label))
    for label in by_remainder[: round(total) - sum(shares.values())]:
        shares[label] += 1
    return shares


def _order(seed: int, text: str) -> str:
    return sha256_bytes(f"{seed}:{text}".encode("utf-8", "surrogatepass"))
