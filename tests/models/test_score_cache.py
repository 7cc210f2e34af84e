import contextlib

import numpy as np
import pytest

from harness.core.types import Cost
from harness.models import pass_cache as module
from harness.models.base import PromptText
from harness.models.likelihood.passes import Passed
from harness.models.outputs import OutputStore
from harness.models.pass_cache import Request
from harness.models.score_cache import ScoreCache, plan_requests

LABELS = (" a", " b", " c")
HEAD, SHOWN = b"head".ljust(16), b"headshown".ljust(16)
LONG = "demonstration " * 20


@pytest.fixture
def cache(tmp_path):
    """Gives a score cache over the test's folder, for label sets of one size."""

    def make(width=3):
        stores = {}

        def store(*what):
            return stores.setdefault(what, OutputStore(tmp_path / "-".join(map(str, what))))

        return ScoreCache(store, width)

    return make


def requests(*owns, heads=(), labels=LABELS):
    shared = tuple("".join(heads[:end]).encode().ljust(16) for end in range(1, len(heads) + 1))
    return [Request((*heads, own), labels, own.encode().ljust(16), shared) for own in owns]


def scored(requests, *, seconds=1.0, shared=(), halved=False, value=None):
    return Passed(
        places=tuple(range(len(requests))),
        values=[np.full(len(one.labels), len(one.key.rstrip()) if value is None else value)
                for one in requests],
        costs=[Cost(seconds, len(one.segments[-1])) for one in requests],
        shared=[Cost(seconds, tokens) for tokens in shared],
        halved=halved,
    )  # fmt: skip


def keys(requests):
    return [one.key for one in requests]


def read(scores, requests):
    assert scores.missing(requests) == []
    return scores.get(requests)


def test_what_was_kept_is_read_back(cache):
    asked = requests("one", "three")
    with cache() as scores:
        assert scores.missing(asked) == asked
        scores.add(asked, scored(asked))
    outputs = read(cache(), [asked[1], asked[0], asked[1]])
    assert outputs.values.tolist() == [[5] * 3, [3] * 3, [5] * 3]
    assert outputs.values.dtype == np.float32
    assert outputs.costs == {asked[0].key: Cost(1.0, 3), asked[1].key: Cost(1.0, 5)}
    assert not outputs.halved


def test_each_missing_request_is_named_once(cache):
    first, second = requests("one", "two")
    scores = cache()
    assert scores.missing([first, second, first]) == [first, second]
    scores.add([first], scored([first]))
    scores.flush()
    assert scores.missing([first, second, second]) == [second]


def test_scores_of_halved_passes_are_kept_apart_and_said(cache):
    asked = requests("one", "two", "three")
    with cache() as scores:
        scores.add(asked[:2], scored(asked[:2], halved=True, value=7))
        scores.add(asked[2:], scored(asked[2:]))
    outputs = read(cache(), [asked[2], asked[0], asked[1]])
    assert outputs.values[:, 0].tolist() == [5, 7, 7]
    assert outputs.costs.keys() == set(keys(asked))
    assert outputs.halved
    assert not read(cache(), asked[2:]).halved


def test_a_whole_pass_counts_more_than_a_halved_one(cache):
    asked = requests("one")
    with cache() as scores:
        scores.add(asked, scored(asked, halved=True, value=7))
        scores.add(asked, scored(asked))
    outputs = read(cache(), asked)
    assert outputs.values.tolist() == [[3] * 3]
    assert not outputs.halved


def test_what_is_shared_is_noted_once_and_charged_to_all_who_share_it(cache):
    asked = requests("one", "two", heads=("head", "shown"))
    scores = cache()
    scores.add(asked[:1], scored(asked[:1], shared=(4, 5)))
    scores.add(asked[1:], scored(asked[1:], shared=(0, 0)))
    scores.flush()
    expected = {HEAD: Cost(1.0, 4), SHOWN: Cost(1.0, 5)}
    for one in asked:
        costs = read(cache(), [one]).costs
        assert costs.keys() == {one.key, *expected}
        assert costs.items() >= expected.items()


def test_parts_that_ran_together_are_charged_to_the_last(cache):
    """Segments whose cut falls on the same token are one part of the context."""
    [asked] = requests("one", heads=("head", "shown"))
    with cache() as scores:
        scores.add([asked], scored([asked], shared=(9,)))
    costs = read(cache(), [asked]).costs
    assert (costs[HEAD], costs[SHOWN]) == (Cost(), Cost(1.0, 9))


def test_a_shared_part_whose_cost_was_lost_is_run_again(cache, tmp_path):
    asked = requests("one", "two", heads=("head",))
    with cache() as scores:
        scores.add(asked, scored(asked, shared=(4,)))
    [file] = (tmp_path / "shared").iterdir()
    file.unlink()
    assert cache().missing(asked) == asked[:1]


def test_rows_are_written_every_few_seconds_and_at_the_end(cache, monkeypatch):
    asked, clock, left = requests("one", "two", "three"), [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    with cache() as scores:
        for one, now in zip(asked, (0.9, 1.1, 1.9), strict=True):  # the second is written then
            clock[0] = now * module.FLUSH_SECONDS
            scores.add([one], scored([one]))
            left.append(cache().missing(asked))
    assert left == [asked, asked[2:], asked[2:]]
    assert cache().missing(asked) == []


def test_an_interruption_loses_nothing_that_was_given(cache):
    asked = requests("one", "two")
    with contextlib.suppress(KeyboardInterrupt), cache() as scores:
        scores.add(asked, scored(asked))
        raise KeyboardInterrupt
    assert cache().missing(asked) == []


def test_a_request_has_a_key_for_all_that_changes_its_bits():
    prompts = {
        "itself": (("head", "own"), LABELS),
        "cut otherwise": (("headown",), LABELS),
        "another text": (("head", "other"), LABELS),
        "other labels": (("head", "own"), LABELS[:2]),
        "labels in another order": (("head", "own"), LABELS[::-1]),
        "labels run together": (("head", "own"), (" a b", " c", "")),
    }
    planned = [
        plan_requests([PromptText(pieces)], [labels])[0] for pieces, labels in prompts.values()
    ]
    assert len({one.key for one in planned}) == len(prompts)
    assert planned[0].segments == ("head", "own")
    assert planned[0].labels == LABELS


def test_requests_share_the_keys_of_what_they_share():
    prompts = [("head", LONG, "1"), ("head", LONG, "2"), ("head", "3")]
    first, second, third = plan_requests(
        [PromptText(pieces) for pieces in prompts], [LABELS, LABELS[:2], LABELS]
    )
    assert first.shared_keys == second.shared_keys
    assert len(set(first.shared_keys)) == 2
    assert third.shared_keys == first.shared_keys[:1]
    assert first.key != second.key
