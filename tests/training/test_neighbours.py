import tracemalloc

import numpy as np
import pytest

from harness.training import neighbours
from harness.training.neighbours import CHOICES, SCALES, NeighbourHead, nearest


def units(rows, seed, dimensions=8):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 3, 29, 30])
@pytest.mark.parametrize("block", [4, 7, 30, 1000])
def test_any_block_gives_the_nearest(monkeypatch, k, block):
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", block)
    monkeypatch.setattr(neighbours, "BLOCK_QUERIES", block)
    queries, rows = units(20, 0), units(30, 1)
    cosines, places = nearest(queries, rows, k)
    similar = queries @ rows.T
    assert (places == np.argsort(-similar, axis=1, kind="stable")[:, :k]).all()
    np.testing.assert_allclose(cosines, np.take_along_axis(similar, places, axis=1), atol=1e-6)


@pytest.mark.parametrize("block", [2, 3, 5, 100])
def test_of_equals_the_first_come_first(monkeypatch, block):
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", block)
    rows = np.eye(3, dtype=np.float32)[[1, 0, 0, 2, 0, 0, 1]]
    _, places = nearest(rows[1:2], rows, 3)
    assert places.tolist() == [[1, 2, 4]]
    _, places = nearest(rows[1:2], rows, 6)
    assert places.tolist() == [[1, 2, 4, 5, 0, 3]]


def test_memory_does_not_grow_with_queries_times_rows():
    queries, rows = units(2_000, 0), units(200_000, 1)
    tracemalloc.start()
    nearest(queries, rows, 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6 < queries.shape[0] * rows.shape[0] * 4


def test_fewer_rows_than_neighbours():
    head = NeighbourHead(k=10, scale=None).fit(units(3, 0), np.array([0, 1, 1]))
    assert head.k_ == 3
    assert head.probabilities(units(4, 1), 2).shape == (4, 2)


def test_one_row():
    head = NeighbourHead(k=None, scale=None).fit(units(1, 0), np.array([1]))
    assert head.probabilities(units(2, 1), 3).argmax(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("k", [1, 3, None])
@pytest.mark.parametrize("several", [False, True])
def test_a_row_unlike_all_others_is_sure_of_nothing(k, several):
    vectors = units(40, 0)
    vectors[:, 0] = 4
    targets = (vectors[:, 1] > 0).astype(int)
    prior = np.full(2, 0.5)
    if several:
        targets = np.eye(2, dtype=bool)[targets]
        prior = targets.mean(axis=0)
    head = NeighbourHead(k=k, scale=None).fit(vectors, targets)
    far = vectors.copy()
    far[:, 0] = -4
    near, away = (head.probabilities(one, 2) for one in (vectors, far))
    assert near.max(axis=1).mean() > 0.7
    np.testing.assert_allclose(away, np.tile(prior, (40, 1)), atol=0.01)


def test_anchors_vote_and_choose_nothing():
    vectors, targets = units(40, 0), np.arange(40) % 2
    anchors = np.repeat(units(2, 1), 3, axis=0)  # their nearest neighbours are themselves
    labels = np.repeat([0, 1], 3)
    rows, classes = np.vstack([vectors, anchors]), np.concatenate([targets, labels])
    head = NeighbourHead(k=3, scale=20).fit(rows, classes, anchors=6)
    similar = vectors @ rows.T
    similar[np.arange(40), np.arange(40)] = -2
    assert head.typical_ == pytest.approx(np.sort(similar, axis=1)[:, -3:].mean(), abs=1e-6)
    assert head.typical_ < NeighbourHead(k=3, scale=20).fit(rows, classes).typical_
    assert head.probabilities(anchors, 2).argmax(axis=1).tolist() == labels.tolist()


def test_without_a_fall_distance_does_not_matter():
    vectors, targets = units(40, 0), np.arange(40) % 2
    head = NeighbourHead(k=3, scale=1e-6, fall=0).fit(vectors, targets)
    for queries in (vectors, -vectors):
        shares = head.probabilities(queries, 2)[:, 0] * 4 - 0.5
        np.testing.assert_allclose(shares, shares.round(), atol=1e-4)


def test_typical_rows_count_as_one_vote_each():
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 1, 1]]
    head = NeighbourHead(k=2, scale=20).fit(vectors, np.array([0, 0, 0, 1, 1, 1]))
    assert head.typical_ == 1
    np.testing.assert_allclose(head.probabilities(vectors[:1], 2), [[2.5 / 3, 0.5 / 3]])


def test_what_is_not_given_is_chosen_with_each_row_left_out():
    chosen = set()
    for seed in range(12):
        vectors = units(40, seed, dimensions=3)
        targets = (vectors[:, 0] + 0.4 * np.random.default_rng(seed).normal(size=40) > 0).astype(
            int
        )
        head = NeighbourHead(k=None, scale=None).fit(vectors, targets)
        chosen.add((head.k_, head.scale_))
        best = max(left_out_accuracy(vectors, targets, k, s) for k in CHOICES for s in SCALES)
        assert left_out_accuracy(vectors, targets, head.k_, head.scale_) == best
    assert len({k for k, _ in chosen}) > 1
    assert len({scale for _, scale in chosen}) > 1


def test_of_many_rows_some_are_left_out(monkeypatch):
    vectors = units(60, 3, dimensions=3)
    targets = (vectors[:, 0] > 0).astype(int)
    targets[::3] = np.random.default_rng(0).permutation(targets[::3])
    monkeypatch.setattr(neighbours, "LEFT_OUT_ROWS", 20)
    head = NeighbourHead(k=None, scale=None).fit(vectors, targets)
    some = np.linspace(0, 59, 20).astype(int)

    def merit(k, scale):
        right = 0
        for row in some:
            others = np.delete(np.arange(60), row)
            alone = NeighbourHead(k=k, scale=scale).fit(vectors[others], targets[others])
            right += alone.probabilities(vectors[row : row + 1], 2).argmax() == targets[row]
        return right

    assert merit(head.k_, head.scale_) == max(merit(k, s) for k in CHOICES for s in SCALES)


def left_out_accuracy(vectors, targets, k, scale):
    right = 0
    for row in range(len(vectors)):
        others = np.delete(np.arange(len(vectors)), row)
        head = NeighbourHead(k=k, scale=scale).fit(vectors[others], targets[others])
        right += head.probabilities(vectors[row : row + 1], 2).argmax() == targets[row]
    return right
