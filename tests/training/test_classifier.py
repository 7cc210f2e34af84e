import random

import numpy as np
import pytest
import torch

from harness.core.errors import HarnessError
from harness.training.classifier import CosineClassifier, Recipe

TEXTS = ["my card is lost", "card gone", "lost card", "top up please", "add money", "top up failed",
         "rate of euros", "what is the rate", "wrong rate"]  # fmt: skip
TARGETS = np.repeat(np.arange(3), 3)
QUICK = {"epochs": 2, "min_steps": 0, "batch_size": 4, "learning_rate": 1e-3, "head_rate": 1e-2}


@pytest.fixture
def train(tiny_encoder):
    vectors = tiny_encoder.encode(TEXTS).values
    start = np.stack([vectors[place == TARGETS].mean(axis=0) for place in range(3)])

    def make(*, seed=0, texts=TEXTS, targets=TARGETS, **changes):
        recipe = Recipe(**(QUICK | {"scale": 16.0} | changes))
        classifier = CosineClassifier(tiny_encoder.load(), start, recipe=recipe, seed=seed)
        return classifier.fit(texts, targets)

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


@pytest.mark.parametrize(("rows", "min_steps", "steps"), [(9, 0, 4), (9, 7, 8), (2, 5, 5)])
def test_epochs_and_least_steps(train, monkeypatch, rows, min_steps, steps):
    taken = []
    step = CosineClassifier._step
    monkeypatch.setattr(
        CosineClassifier, "_step", lambda self, *given: (taken.append(1), step(self, *given))
    )
    train(texts=TEXTS[:rows], targets=TARGETS[:rows], min_steps=min_steps)  # 4 a step
    assert len(taken) == steps


def test_tokens_are_counted_without_padding(train, tiny_encoder):
    classifier = train()
    lengths = [len(ids) for ids in tiny_encoder.load().tokenizer(TEXTS)["input_ids"]]
    assert classifier.tokens_run == 2 * sum(lengths)
    classifier.scores(TEXTS[:3])
    assert classifier.tokens_run == 2 * sum(lengths) + sum(lengths[:3])


def test_the_start_is_left_as_it_was(train):
    before = train.start.copy()
    train(min_steps=20)
    assert (train.start == before).all()


def test_divergence_is_an_error_with_a_way_out(train):
    with pytest.raises(HarnessError, match="fine_tune:learning_rate"):
        train(learning_rate=1e30, min_steps=20)
