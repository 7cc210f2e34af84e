"""The letters of listed options."""

from __future__ import annotations

import itertools
from string import ascii_uppercase


def option_letters(count: int) -> tuple[str, ...]:
    """Returns the letters of ``count`` options, in order.

    A, B, C, ...; where 26 are not enough every option has two: AA, AB, ..., AZ, BA, ... All are
    of one length, so that none is the beginning of another.
    """
    width = 1
    while len(ascii_uppercase) ** width < count:
        width += 1
    every = itertools.product(ascii_uppercase, repeat=width)
    return tuple("".join(letters) for letters in itertools.islice(every, count))
