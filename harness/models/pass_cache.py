"""What comes of passes, on its way to and from the cache of outputs."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from harness.core.types import Cost
from harness.models.base import PromptText
from harness.models.likelihood.passes import Passed
from harness.models.likelihood.plan import plan_segments
from harness.models.outputs import OutputStore, Store, content_key

FLUSH_SECONDS = 5.0
NOTHING = np.empty(0, dtype=np.float32)
V = TypeVar("V")


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A prompt as it is run.

    Attributes:
        segments: Its text in parts; all but the last are shared with other prompts.
        labels: What may follow it; none where text is to be generated.
        key: Its key in the cache.
        shared_keys: The key of each part that it shares.
    """

    segments: tuple[str, ...]
    labels: tuple[str, ...]
    key: bytes
    shared_keys: tuple[bytes, ...]


def plan_requests(
    prompts: Sequence[PromptText],
    labels: Sequence[tuple[str, ...]],
    asked: Callable[[tuple[str, ...]], str],
) -> list[Request]:
    """Returns how each prompt is run, with a key for every way that gives other last bits.

    Args:
        prompts: The prompts.
        labels: What may follow each.
        asked: Gives the digest of what is asked about prompts with these labels.
    """

    @functools.cache
    def shared(heads: tuple[str, ...]) -> tuple[bytes, ...]:
        return tuple(content_key(*heads[:end]) for end in range(1, len(heads) + 1))

    return [
        Request(segments, own, content_key(asked(own), *segments), shared(segments[:-1]))
        for segments, own in zip(plan_segments(prompts), labels, strict=True)
    ]


class PassCache(Generic[V]):
    """Values of one kind; a context that writes what it was given when it ends.

    Those of passes that had to be halved are kept apart: their last digits may differ.

    Args:
        whole: Where the values of passes made as planned are kept.
        halved: Where those of others are.
        shared: Where it is noted what shared parts cost.
    """

    def __init__(self, whole: Store[V], halved: Store[V], shared: OutputStore) -> None:
        self.whole = whole
        self.halved = halved
        self.shared = shared
        self._rows: dict[Store[Any], list[tuple[bytes, Any, Cost]]] = {}
        self._noted: set[bytes] = set()  # shared parts, written or not
        self._written = time.monotonic()

    def __enter__(self) -> PassCache[V]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.flush()

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """Returns those that have yet to be run, each distinct one once.

        They are those whose values nobody has computed, and one for every shared part whose cost
        nobody has noted.
        """
        absent = [requests[place] for place in self.whole.missing([one.key for one in requests])]
        left = [absent[place] for place in self.halved.missing([one.key for one in absent])]
        sharing = [(key, one) for one in requests for key in one.shared_keys]
        unpaid = [sharing[place][1] for place in self.shared.missing([key for key, _ in sharing])]
        return list({one.key: one for one in (*left, *unpaid)}.values())

    def add(self, requests: Sequence[Request], passed: Passed[V]) -> None:
        """Keeps what came of one pass; written every few seconds."""
        costs = passed.shared
        # Mostly one; texts that differ and read alike share a pass, and the first pays.
        for keys in dict.fromkeys(request.shared_keys for request in requests):
            self._add_shared(keys, costs)
            costs = [Cost()] * len(costs)
        rows = self._rows.setdefault(self.halved if passed.halved else self.whole, [])
        for request, value, cost in zip(requests, passed.values, passed.costs, strict=True):
            rows.append((request.key, value, cost))
        if time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what was not written yet."""
        for store, rows in self._rows.items():
            keys, values, costs = zip(*rows, strict=True)
            store.put(keys, values, costs)
        self._rows = {}
        self._written = time.monotonic()

    def read(self, requests: Sequence[Request]) -> tuple[list[V], dict[bytes, Cost], bool]:
        """Returns each request's value, what it and what they share cost, and if any is halved.

        Raises:
            KeyError: A value is not there; ask :meth:`missing` first.
        """
        keys = [one.key for one in requests]
        second = {keys[place] for place in self.whole.missing(keys)}
        costs = self.shared.read([key for one in requests for key in one.shared_keys])[1]
        values: dict[bytes, V] = {}
        for store, chosen in (
            (self.whole, [key for key in keys if key not in second]),
            (self.halved, [*second]),
        ):
            found, paid = store.read(chosen)
            values |= zip(chosen, found, strict=True)
            costs |= paid
        return [values[key] for key in keys], costs, bool(second)

    def _add_shared(self, keys: Sequence[bytes], costs: Sequence[Cost]) -> None:
        """Notes what shared parts cost. Where parts have run together, the last bears it all."""
        if len(costs) != len(keys):
            costs = [Cost()] * (len(keys) - 1) + [sum(costs, Cost())]
        new = {key: cost for key, cost in zip(keys, costs, strict=True) if key not in self._noted}
        self._noted |= new.keys()
        rows = [(key, NOTHING, cost) for key, cost in new.items()]
        for place in self.shared.missing([*new]):
            self._rows.setdefault(self.shared, []).append(rows[place])
