import numpy as np
import pytest
import torch

from harness.training.backbone import Backbone
from harness.training.contrastive import fit_contrastive, in_common, supervised_contrastive
from harness.training.loop import DivergedError, Recipe

TEXTS = ["my card is lost", "card gone", "lost card", "top up please", "add money", "top up failed",
         "rate of euros", "what is the rate", "wrong rate"]  # fmt: skip
TARGETS = np.repeat(np.arange(3), 3)


def by_the_formula(units, targets, temperature):
    """Equation 2 of Khosla et al. 2020, term by term."""
    terms = []
    for anchor in range(len(units)):
        others = [row for row in range(len(units)) if row != anchor]
        positives = [row for row in others if targets[row] == targets[anchor]]
        if positives:
            total = sum(np.exp(units[anchor] @ units[row] / temperature) for row in others)
            shares = [np.log(np.exp(units[anchor] @ units[row] / temperature) / total)
                      for row in positives]  # fmt: skip
            terms.append(-np.mean(shares))
    return np.mean(terms)


@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 2], [0, 0, 0, 0, 0], [0, 1, 2, 3, 3]])
def test_the_loss_is_that_of_the_paper(targets):
    units = np.random.default_rng(0).normal(size=(5, 4))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    alike = torch.from_numpy(in_common(np.array(targets)))
    found = supervised_contrastive(torch.from_numpy(units), alike, 0.3)
    assert float(found) == pytest.approx(by_the_formula(units, targets, 0.3))


def test_a_batch_without_a_pair_has_no_loss_and_no_slope():
    units = torch.nn.functional.normalize(torch.randn(3, 4), dim=1).requires_grad_()
    loss = supervised_contrastive(units, torch.eye(3), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(units.grad, torch.zeros(3, 4))


def test_rows_with_several_classes_attract_each_other_by_what_they_share():
    has = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    expected = [[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(in_common(has), np.array(expected, np.float32))


def test_classes_draw_together_and_each_text_is_run_once_an_epoch(tiny_encoder):
    backbone = Backbone(tiny_encoder.load())
    recipe = Recipe(epochs=60, batch_size=9, learning_rate=3e-3)

    def spread(units):
        cosines = units @ units.T
        same = TARGETS[:, None] == TARGETS
        return cosines[same].mean() - cosines[~same].mean()

    before = spread(backbone.run(TEXTS))
    once = backbone.tokens_run
    fit_contrastive(backbone, TEXTS, TARGETS, recipe=recipe, temperature=0.1, seed=0)
    assert backbone.tokens_run == once * 61
    assert spread(backbone.run(TEXTS)) > before + 0.3


def test_an_encoder_that_gives_all_texts_one_embedding_has_diverged(tiny_encoder):
    backbone = Backbone(tiny_encoder.load())

    def go_on(rate):
        recipe = Recipe(epochs=2, min_steps=40, batch_size=9, learning_rate=rate)
        fit_contrastive(backbone, TEXTS, TARGETS, recipe=recipe, temperature=0.1, seed=0)

    go_on(1e-2)
    with pytest.raises(DivergedError, match="no better than guessing"):
        go_on(1.0)
