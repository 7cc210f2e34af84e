"""Texts that are nearly the same: sets of word shingles with a large overlap, found exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from harness.tasks.splits import normalised

SHINGLE = 3
"""Words in a row that make one shingle."""
SHARED, OF = 4, 5
"""Two texts are near when their shingles in common are 4 of 5 of all they have, or more."""

Shingles = frozenset[str]


def shingles(text: str) -> Shingles:
    """Returns the sets of three words in a row, case and punctuation aside; a short text whole."""
    words = normalised(text).split(" ")
    count = max(len(words) - SHINGLE + 1, 1)
    return frozenset(" ".join(words[place : place + SHINGLE]) for place in range(count))


def are_near(one: Shingles, other: Shingles) -> bool:
    """Returns whether the Jaccard similarity of two sets is 0.8 or more."""
    common = len(one & other)
    return OF * common >= SHARED * (len(one) + len(other) - common)


def near_texts(texts: Sequence[str], others: Sequence[str]) -> list[int | None]:
    """Returns for each text the place of one of the others that is near it, the first there is.

    Nothing is left to chance: two sets with a Jaccard similarity of t or more share one of the
    n - ceil(t n) + 1 shingles that come first in any one order of all shingles, n being the size
    of either (prefix filtering: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity
    search"). With the rarest shingles first there is little to compare.
    """
    sets = [shingles(text) for text in texts]
    known = [shingles(text) for text in others]
    rarity = Counter(shingle for one in (*sets, *known) for shingle in one)
    index: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(known):
        for shingle in _prefix(one, rarity):
            index[shingle].append(place)
    found: list[int | None] = []
    for one in sets:
        places = {place for shingle in _prefix(one, rarity) for place in index.get(shingle, ())}
        found.append(next((place for place in sorted(places) if are_near(one, known[place])), None))
    return found


def _prefix(one: Shingles, rarity: Counter[str]) -> list[str]:
    ordered = sorted(one, key=lambda shingle: (rarity[shingle], shingle))
    least = -(-SHARED * len(one) // OF)
    return ordered[: len(one) - least + 1]
