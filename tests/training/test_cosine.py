import random

import numpy as np
import pytest
import torch

from harness.training import cosine
from harness.training.backbone import Backbone
from harness.training.cosine import CosineClassifier
from harness.training.loop import DivergedError, Recipe

TEXTS = ["my card is lost", "card gone", "lost card", "top up please", "add money", "top up failed",
         "rate of euros", "what is the rate", "wrong rate"]  # fmt: skip
TARGETS = np.repeat(np.arange(3), 3)
QUICK = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-3, "head_rate": 1e-2}


@pytest.fixture
def train(tiny_encoder):
    vectors = tiny_encoder.encode(TEXTS).values
    start = np.stack([vectors[place == TARGETS].mean(axis=0) for place in range(3)])

    def make(
        *, seed=0, texts=TEXTS, targets=TARGETS, weights=None, held=None, start=start, **changes
    ):
        classifier = CosineClassifier(Backbone(tiny_encoder.load()), start, scale=16.0)
        return classifier.fit(
            texts, targets, recipe=Recipe(**(QUICK | changes)), seed=seed,
            weights=weights, held=held,
        )  # fmt: skip

    make.start = start
    return make


def test_it_learns(train):
    classifier = train(min_steps=60)
    assert (classifier.scores(TEXTS).argmax(axis=1) == TARGETS).all()


def test_without_training_it_is_the_nearest_class_vector(train, tiny_encoder):
    frozen = train(learning_rate=1e-12, head_rate=1e-12)
    vectors = tiny_encoder.encode(TEXTS).values
    units = train.start / np.linalg.norm(train.start, axis=1, keepdims=True)
    np.testing.assert_allclose(frozen.scores(TEXTS), 16 * vectors @ units.T, atol=1e-4)


def test_the_same_seed_gives_the_same_bits(train):
    scores = [train(seed=seed).scores(TEXTS) for seed in (0, 0, 1)]
    assert scores[0].tobytes() == scores[1].tobytes()
    assert scores[0].tobytes() != scores[2].tobytes()


def test_torchs_own_randomness_is_neither_used_nor_moved(train):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = train().scores(TEXTS)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert train().scores(TEXTS).tobytes() == first.tobytes()


def test_scores_of_a_row_do_not_depend_on_the_others(train):
    classifier = train()
    texts = [*TEXTS, "", "card " * 80, *(f"card number {row}" for row in range(40))]
    together = classifier.scores(texts)
    generator = random.Random(0)
    for count in (1, 2, 20):
        chosen = generator.sample(range(len(texts)), k=count)
        alone = classifier.scores([texts[row] for row in chosen])
        assert alone.tobytes() == together[chosen].tobytes()


def test_tokens_are_counted_without_padding(train, tiny_encoder):
    classifier = train()
    lengths = [len(ids) for ids in tiny_encoder.load().tokenizer(TEXTS)["input_ids"]]
    assert classifier.backbone.tokens_run == 2 * sum(lengths)
    classifier.scores(TEXTS[:3])
    assert classifier.backbone.tokens_run == 2 * sum(lengths) + sum(lengths[:3])


def test_the_start_is_left_as_it_was(train):
    before = train.start.copy()
    train(min_steps=20)
    assert (train.start == before).all()


def test_divergence_is_noticed(train):
    with pytest.raises(DivergedError):
        train(learning_rate=1e30, min_steps=20)


@pytest.mark.parametrize("weights", [None, np.array([1, 2, 3], np.float32)])
def test_what_forgets_all_that_it_knew_has_diverged(train, weights):
    with pytest.raises(DivergedError, match="no better than guessing"):
        train(learning_rate=1.0, min_steps=40, weights=weights)


def test_the_loss_of_guessing_is_the_least_that_does_not_read():
    generator = np.random.default_rng(0)
    for targets in (generator.integers(3, size=30), generator.random((30, 3)) < 0.3):
        for weights in (None, np.array([1, 2, 5], np.float32)):
            counted = None if weights is None else torch.tensor(weights)
            logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
            steps = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

            def value(targets=targets, counted=counted, logits=logits, steps=steps):
                steps.zero_grad()
                every = logits.expand(len(targets), 3).float()
                found = cosine._loss(every, targets, counted)
                found.backward()
                return found

            steps.step(value)
            least = value().item()
            assert cosine._guessing(targets, weights) == pytest.approx(least, abs=1e-4)


def test_an_epoch_that_was_kept_makes_up_for_the_last(train):
    kept = train(learning_rate=1.0, min_steps=40, held=(TEXTS, TARGETS))
    assert np.isfinite(kept.scores(TEXTS)).all()


def test_what_knew_nothing_and_learns_nothing_has_not(train):
    same = np.ones_like(train.start)
    train(start=same, learning_rate=1e-12, head_rate=1e-12)


def test_a_class_that_counts_for_more_is_given_more_often(train):
    confused = np.array([0, 1, 0, 1, 0, 1, 0, 1, 2])
    counted = {
        weight: train(
            targets=confused, weights=np.array([1, weight, 1], np.float32), min_steps=12
        ).scores(TEXTS)
        for weight in (0.01, 100)
    }
    gain = {weight: (scores[:, 1] - scores[:, 0]).mean() for weight, scores in counted.items()}
    assert gain[100] > gain[0.01]


def test_held_out_texts_without_a_loss(train, monkeypatch):
    from harness.training.cosine import CosineClassifier

    monkeypatch.setattr(
        CosineClassifier, "scores", lambda *_: np.full((len(TEXTS), 3), np.nan, np.float32)
    )
    with pytest.raises(DivergedError, match="held-out"):
        train(held=(TEXTS, TARGETS))


def test_the_best_epoch_on_held_out_rows_is_kept(train):
    """Held-out rows with other labels than the training says get worse the longer it lasts."""
    wrong = (TARGETS + 1) % 3

    def loss(classifier):
        scores = torch.from_numpy(classifier.scores(TEXTS))
        return float(torch.nn.functional.cross_entropy(scores, torch.from_numpy(wrong)))

    last = loss(train(epochs=8))
    kept = train(epochs=8, held=(TEXTS, wrong))
    assert loss(kept) < last
    first = loss(train(epochs=8, held=(TEXTS, TARGETS)))
    assert loss(kept) < first
