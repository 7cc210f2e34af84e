"""Label log-likelihoods on their way to and from the cache of outputs."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence

import numpy as np

from harness.core.types import Cost
from harness.models.base import Floats, Outputs, PromptText
from harness.models.likelihood.engine import Scored
from harness.models.likelihood.plan import plan_segments
from harness.models.outputs import OutputStore, content_key

FLUSH_SECONDS = 5.0
NOTHING = np.empty(0, dtype=np.float32)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A prompt as it is run.

    Attributes:
        segments: Its text in parts; all but the last are shared with other prompts.
        labels: What may follow it.
        key: Its key in the cache.
        shared_keys: The key of each part that it shares.
    """

    segments: tuple[str, ...]
    labels: tuple[str, ...]
    key: bytes
    shared_keys: tuple[bytes, ...]


def plan_requests(
    prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
) -> list[Request]:
    """Returns how each prompt is run, with a key for every way that gives other last bits."""

    @functools.cache
    def digest(labels: tuple[str, ...]) -> str:
        return content_key(*labels).hex()

    @functools.cache
    def shared(heads: tuple[str, ...]) -> tuple[bytes, ...]:
        return tuple(content_key(*heads[:end]) for end in range(1, len(heads) + 1))

    requests = []
    for segments, wanted in zip(plan_segments(prompts), continuations, strict=True):
        labels = tuple(wanted)
        key = content_key(digest(labels), *segments)
        requests.append(Request(segments, labels, key, shared(segments[:-1])))
    return requests


class ScoreCache:
    """The scores of label sets of one size; a context that writes what it was given when it ends.

    Those of passes that had to be halved are kept apart: their last digits may differ.

    Args:
        store: Gives the store for what it is told.
        width: How many labels a prompt has.
    """

    def __init__(self, store: Callable[..., OutputStore], width: int) -> None:
        self.whole = store("loglikelihoods", width)
        self.halved = store("loglikelihoods", width, "halved")
        self.shared = store("shared")
        self._rows: dict[OutputStore, list[tuple[bytes, Floats, Cost]]] = {}
        self._noted: set[bytes] = set()  # shared parts, written or not
        self._written = time.monotonic()

    def __enter__(self) -> ScoreCache:
        return self

    def __exit__(self, *exception: object) -> None:
        self.flush()

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """Returns those that have yet to be run, each distinct one once.

        They are those whose scores nobody has computed, and one for every shared part whose cost
        nobody has noted.
        """
        absent = [requests[place] for place in self.whole.missing([one.key for one in requests])]
        left = [absent[place] for place in self.halved.missing([one.key for one in absent])]
        sharing = [(key, one) for one in requests for key in one.shared_keys]
        unpaid = [sharing[place][1] for place in self.shared.missing([key for key, _ in sharing])]
        return list({one.key: one for one in (*left, *unpaid)}.values())

    def add(self, requests: Sequence[Request], scored: Scored) -> None:
        """Keeps what came of one pass; written every few seconds."""
        costs = scored.shared
        # Mostly one; texts that differ and read alike share a pass, and the first pays.
        for keys in dict.fromkeys(request.shared_keys for request in requests):
            self._add_shared(keys, costs)
            costs = [Cost()] * len(costs)
        rows = self._rows.setdefault(self.halved if scored.halved else self.whole, [])
        for request, values, cost in zip(requests, scored.values, scored.costs, strict=True):
            rows.append((request.key, values, cost))
        if time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what was not written yet."""
        for store, rows in self._rows.items():
            keys, values, costs = zip(*rows, strict=True)
            store.put(keys, np.stack(values), costs)
        self._rows = {}
        self._written = time.monotonic()

    def get(self, requests: Sequence[Request]) -> Outputs:
        """Returns the scores, shape (requests, labels), and what they and what they share cost."""
        keys = [one.key for one in requests]
        second = {keys[place] for place in self.whole.missing(keys)}
        first = [key for key in keys if key not in second]
        values = np.empty((len(keys), len(requests[0].labels)), dtype=np.float32)
        costs = self.shared.get([key for one in requests for key in one.shared_keys])[1]
        for store, chosen in ((self.whole, first), (self.halved, [*second])):
            if chosen:
                found, paid = store.get(chosen)
                by_key = dict(zip(chosen, found, strict=True))
                places = [place for place, key in enumerate(keys) if key in by_key]
                values[places] = [by_key[keys[place]] for place in places]
                costs |= paid
        return Outputs(values, costs, halved=bool(second))

    def _add_shared(self, keys: Sequence[bytes], costs: Sequence[Cost]) -> None:
        """Notes what shared parts cost. Where parts have run together, the last bears it all."""
        if len(costs) != len(keys):
            costs = [Cost()] * (len(keys) - 1) + [sum(costs, Cost())]
        for place in self.shared.missing(keys):
            if keys[place] not in self._noted:
                self._noted.add(keys[place])
                self._rows.setdefault(self.shared, []).append((keys[place], NOTHING, costs[place]))
