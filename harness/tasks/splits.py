"""Test rows drawn where a source has none of its own."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime

from harness.core.errors import DataError
from harness.core.files import sha256_bytes
from harness.core.types import Example
from harness.tasks.schema import Splits


class _WithoutPunctuation(dict[int, int]):
    """A table for ``str.translate`` that learns each character's category when it meets it."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


_TABLE = _WithoutPunctuation()


@functools.lru_cache(maxsize=1 << 17)
def normalised(text: str) -> str:
    """Returns a text without case, punctuation and extra white space, to find equal ones.

    Punctuation counts as white space, so that "top-up" is "top up". A text that is nothing but
    punctuation keeps it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_TABLE).split()) or folded.strip()


def draw_test(
    examples: Sequence[Example],
    splits: Splits,
    texts: Sequence[str],
    classes: Callable[[Example], tuple[str, ...]],
    groups: Sequence[str] | None = None,
) -> tuple[list[Example], list[Example]]:
    """Divides labelled rows into train and test, in file order.

    Each label gives its share, but keeps at least one text to train on. Rows are taken in the
    order of the sha256 of the seed and their text, so the split depends on no library's generator
    and a row added later moves no other.
    Rows with equal text (case, punctuation, white space aside) stay together, on the side that
    the first label of the first of them decides; where groups are given, the rows of a group do.

    Args:
        examples: All rows.
        splits: How many rows to test on, and the seed.
        texts: The text of each.
        classes: Gives the labels of an example.
        groups: The group of each, in place of its text.

    Returns:
        The rows to train on and those to test on. There may be a few test rows fewer than asked
        for, where equal texts would have to be divided or a label would have no row left.

    Raises:
        DataError: As many test rows as there are rows, or more; or no row can be spared.
    """
    _check_size(len(examples), splits)
    together: dict[str, list[Example]] = defaultdict(list)
    for example, key in zip(examples, groups or map(normalised, texts), strict=True):
        together[key].append(example)
    chosen = _chosen(together, splits, len(examples), classes, grouped=groups is not None)
    if not chosen:
        kept, what = ("text", "texts") if groups is None else ("group", "groups")
        raise DataError(
            f"no row can be spared to test on: each label keeps a {kept} to train on",
            found=f"{len(examples)} rows, {len(together)} different {what}",
            expected=f"enough to draw {splits.test:g} from",
        )
    return _divided(examples, chosen)


def latest_test(
    examples: Sequence[Example], splits: Splits, times: Sequence[str], places: Sequence[str]
) -> tuple[list[Example], list[Example]]:
    """Divides rows into earlier ones to train on and the latest to test on, in file order.

    Rows of the moment at which the two meet are all trained on.

    Args:
        examples: All rows.
        splits: How many rows to test on.
        times: The time of each: ISO 8601, or a number.
        places: Where each time stands, for messages.

    Raises:
        DataError: A time cannot be read, or there are too few rows or moments.
    """
    _check_size(len(examples), splits)
    moments = [_moment(time, place) for time, place in zip(times, places, strict=True)]
    wanted = round(splits.test if splits.test >= 1 else splits.test * len(examples))
    meeting = sorted(moments)[len(examples) - max(wanted, 1) - 1]
    chosen = {row.row for row, time in zip(examples, moments, strict=True) if time > meeting}
    if not chosen:
        raise DataError(
            "the latest rows cannot be told from the others by their time",
            found=f"{len(set(moments))} different times",
        )
    return _divided(examples, chosen)


def _check_size(count: int, splits: Splits) -> None:
    if splits.test >= max(count, 1):
        raise DataError(
            "too few rows to draw the test rows from",
            found=f"{count} rows",
            expected=f"more than {splits.test:g}",
        )


def _divided(
    examples: Sequence[Example], chosen: Container[int]
) -> tuple[list[Example], list[Example]]:
    train = [example for example in examples if example.row not in chosen]
    return train, [example for example in examples if example.row in chosen]


def _moment(time: str, place: str) -> float:
    text = time.strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            "this is no time",
            where=place,
            found=time,
            expected="ISO 8601, such as 2026-03-04 or 2026-03-04T17:30, or a number",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _chosen(
    groups: dict[str, list[Example]],
    splits: Splits,
    count: int,
    classes: Callable[[Example], tuple[str, ...]],
    *,
    grouped: bool,
) -> set[int]:
    """Returns the numbers of the test rows, out of groups of rows that stay together.

    Groups that were given hold rows of many labels, and are drawn whatever these are.
    """
    order = {key: _order(splits.seed, key) for key in groups}
    kept = _kept(groups, order, classes)
    by_label: dict[str, list[str]] = defaultdict(list)
    for key in sorted(groups, key=order.__getitem__):
        stratum = "" if grouped else next(iter(classes(groups[key][0])), "")
        by_label[stratum].append(key)
    sizes = {
        label: sum(len(groups[key]) for key in keys)
        for label, keys in by_label.items()
        if not kept.issuperset(keys)
    }
    if not sizes:
        return set()
    shares = apportion(sizes, splits.test if splits.test >= 1 else splits.test * count)
    chosen: set[int] = set()
    for label, share in shares.items():
        left = share
        for key in by_label[label]:
            if key not in kept and len(groups[key]) <= left:
                chosen.update(example.row for example in groups[key])
                left -= len(groups[key])
    return chosen


def _kept(
    groups: dict[str, list[Example]],
    order: dict[str, str],
    classes: Callable[[Example], tuple[str, ...]],
) -> set[str]:
    """Returns what stays in train: of each label's texts or groups, the last to be drawn."""
    last: dict[str, str] = {}
    for key, group in groups.items():
        for label in {label for example in group for label in classes(example)}:
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
