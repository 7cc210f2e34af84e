"""The methods on frozen embeddings, against scikit-learn and plain loops."""

import dataclasses
import itertools

import numpy as np
import pytest

from harness.core.types import Label


@pytest.fixture
def vectors(models, tiny_task, test_rows):
    def embed(rows):
        return models["encoder"].encode([tiny_task.text(row) for row in rows]).values

    names = [label.name for label in tiny_task.labels]
    targets = np.array([names.index(row.target) for row in tiny_task.train])
    return embed(tiny_task.train), targets, embed(test_rows)


def probabilities(method, rows):
    return np.array([prediction.probabilities for prediction in method.predict(rows)])


def smoothed(voting, test):
    """What votes as scikit-learn counts them come to, with one more spread over four classes."""
    k = min(voting.n_neighbors, voting.n_samples_fit_ - 1)
    typical = voting.kneighbors(n_neighbors=k)[0].mean()  # no row is its own neighbour here
    votes = np.exp(5 * (typical - voting.kneighbors(test)[0])).sum(axis=1, keepdims=True)
    return (votes * voting.predict_proba(test) + 1 / 4) / (votes + 1)


@pytest.mark.parametrize("k", [1, 2, 5, 24, 99])
def test_nearest_neighbours_vote_as_scikit_learns(fit, vectors, test_rows, k):
    from sklearn.neighbors import KNeighborsClassifier

    train, targets, test = vectors
    voting = KNeighborsClassifier(
        min(k, 24), metric="cosine", weights=lambda distances: np.exp(20 * (1 - distances))
    )
    expected = smoothed(voting.fit(train, targets), test)
    found = probabilities(fit(f"nearest_neighbours:k={k},scale=20,label_examples=0"), test_rows)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_nearly_plain_votes(fit, vectors, test_rows):
    from sklearn.neighbors import KNeighborsClassifier

    train, targets, test = vectors
    plain = KNeighborsClassifier(7, metric="cosine").fit(train, targets)
    found = probabilities(fit("nearest_neighbours:k=7,scale=1e-6,label_examples=0"), test_rows)
    np.testing.assert_allclose(found, smoothed(plain, test), atol=1e-5)


@pytest.mark.parametrize("count", [0, 2])
def test_k_and_scale_are_the_best_when_each_row_is_left_out(fit, models, vectors, tiny_task, count):
    train, targets, _ = vectors
    words = models["encoder"].encode([label.words for label in tiny_task.labels]).values
    train = np.vstack([train, *[words] * count])
    names = [label.name for label in tiny_task.labels]
    chosen = set()
    for seed in range(6):
        generator = np.random.default_rng(seed)
        mixed = targets.copy()
        some = generator.permutation(len(targets))[: 4 * seed]
        mixed[some] = generator.permutation(mixed[some])
        pairs = list(itertools.product((1, 3, 5, 10, 20), (20.0, 5.0, 50.0)))
        everyone = np.concatenate([mixed, *[np.arange(4)] * count])
        right = {pair: left_out_accuracy(train, everyone, len(mixed), *pair) for pair in pairs}
        rows = [
            dataclasses.replace(row, target=names[place])
            for row, place in zip(tiny_task.train, mixed, strict=True)
        ]
        head = fit(f"nearest_neighbours:label_examples={count}", rows).head_
        chosen.add((head.k_, head.scale_))
        assert (head.k_, head.scale_) == max(right, key=right.get)
        assert fit("nearest_neighbours:k=5", rows).head_.k_ == 5
        assert fit("nearest_neighbours:scale=7", rows).head_.scale_ == 7
    assert len({k for k, _ in chosen}) > 1


def left_out_accuracy(vectors, targets, rows, k, scale):
    right = 0
    for row, target in enumerate(targets[:rows]):
        others = np.delete(np.arange(len(targets)), row)
        cosines = vectors[others] @ vectors[row]
        nearest = np.argsort(-cosines, kind="stable")[:k]
        votes = np.zeros(4)
        np.add.at(votes, targets[others[nearest]], np.exp(scale * cosines[nearest]))
        right += votes.argmax() == target
    return right


def test_the_nearest_of_equals_is_the_first(fit, tiny_task, test_rows):
    twins = [dataclasses.replace(tiny_task.train[0], row=row, target=target)
             for row, target in enumerate(["top_up", "lost_card", "lost_card"])]  # fmt: skip
    for train in (twins, twins[::-1]):
        found = fit("nearest_neighbours:k=1,label_examples=0", train).predict(test_rows)
        assert {prediction.output for prediction in found} == {train[0].target}


def test_prototypes_are_class_means(fit, vectors, test_rows):
    train, targets, test = vectors
    scores = np.empty((len(test), 4))
    for place in range(4):
        total = np.zeros(train.shape[1])
        for vector, target in zip(train, targets, strict=True):
            if target == place:
                total += vector / np.linalg.norm(vector)
        mean = total / np.linalg.norm(total)
        for row, vector in enumerate(test):
            scores[row, place] = 20 * vector @ mean / np.linalg.norm(vector)
    powers = np.exp(scores)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        probabilities(fit("prototypes:label_examples=0"), test_rows), expected, atol=1e-5
    )


def test_linear_probe_is_scikit_learns_logistic_regression(fit, vectors, test_rows):
    from sklearn.linear_model import LogisticRegression

    train, targets, test = vectors
    model = LogisticRegression(C=1, max_iter=100, random_state=42).fit(train, targets)
    found = probabilities(fit("linear_probe:C=1,max_iter=100,seed=42,label_examples=0"), test_rows)
    assert (found == model.predict_proba(test)).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names", ["top up", "lost"]),
        ("descriptions", ["top up", "the card is gone"]),
        ("both", ["top up", "lost: the card is gone"]),
    ],
)
def test_label_embedding_takes_the_nearest_words(fit, models, test_rows, vectors, text, words):
    labels = (Label("a", "top up"), Label("b", "lost", "the card is gone"))
    method = fit(f"label_embedding:text={text},scale=10", labels=labels)
    cosines = vectors[2] @ models["encoder"].encode(words).values.T
    expected = np.exp(10 * cosines) / np.exp(10 * cosines).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(method, test_rows), expected, atol=1e-5)


@pytest.mark.parametrize("count", [0, 3])
def test_fine_tuning_starts_from_class_means(fit, models, tiny_task, vectors, count):
    train, targets, _ = vectors
    seen = [row for row in tiny_task.train if row.target != "exchange_rate"]
    method = fit(f"fine_tune:epochs=1,min_steps=0,batch_size=99,label_examples={count}", seen)
    start = method.classifier_.start
    words = models["encoder"].encode([label.words for label in tiny_task.labels]).values
    np.testing.assert_allclose(start[2], words[2], atol=1e-6)
    mixed = train[targets == 0].sum(axis=0) + count * words[0]
    np.testing.assert_allclose(start[0], mixed / np.linalg.norm(mixed), atol=1e-6)


def test_fine_tuning_learns(fit, tiny_task):
    method = fit("fine_tune:epochs=30,learning_rate=1e-3")
    found = [prediction.output for prediction in method.predict(tiny_task.train)]
    right = sum(one == row.target for one, row in zip(found, tiny_task.train, strict=True))
    assert right >= 22
