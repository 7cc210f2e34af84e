import gc
import math

import pytest
import torch

from harness.core.errors import HarnessError
from harness.training.attempts import Attempt, attempt
from harness.training.loop import DivergedError, Recipe, optimise, seeded


def train(loss, *, steps=3, recipe=None, **more):
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 2.0)
    optimise(
        model, lambda batch: loss(model.weight, batch),
        lambda epoch: [[epoch, step] for step in range(steps)],
        recipe=recipe or Recipe(epochs=2), seed=0, title="test", **more,
    )  # fmt: skip
    return model.weight


@pytest.mark.parametrize(("epochs", "least", "made"), [(2, 0, 6), (1, 7, 9), (1, 3, 3)])
def test_epochs_and_least_steps(epochs, least, made):
    seen = []
    train(
        lambda weight, batch: (seen.append(batch), weight.square().sum())[1],
        recipe=Recipe(epochs=epochs, min_steps=least),
    )
    assert len(seen) == made
    assert seen[:3] == [[0, 0], [0, 1], [0, 2]]


def test_it_goes_down():
    weight = train(
        lambda weight, _: weight.square().sum(), recipe=Recipe(epochs=100, learning_rate=0.1)
    )
    assert abs(weight.item()) < 0.5


def test_rates_rise_and_fall(monkeypatch):
    rates = []
    step = torch.optim.AdamW.step

    def watched(self, *given, **named):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *given, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    train(
        lambda weight, _: weight.square().sum(),
        recipe=Recipe(epochs=10, learning_rate=1.0, warm_up=0.2),
    )
    assert rates[0] == 0
    assert max(rates) == 1.0 == rates[6]
    assert rates[-1] == pytest.approx(1 / 24)
    assert rates == [*sorted(rates[:7]), *sorted(rates[7:], reverse=True)]


def test_one_step_is_a_step():
    weight = train(lambda weight, _: weight.square().sum(), steps=1, recipe=Recipe(epochs=1))
    assert weight.item() < 2.0


def test_no_gradient_is_kept():
    assert train(lambda weight, _: weight.square().sum()).grad is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training(value):
    with pytest.raises(DivergedError):
        train(lambda weight, _: weight.sum() * value)


def test_a_gradient_that_is_no_number_ends_the_training_before_it_does_harm():
    kept = []

    def loss(weight, _):
        kept.append(weight)
        return (weight - 2.0).abs().sqrt().sum()  # 0, with an infinite slope

    with pytest.raises(DivergedError):
        train(loss)
    assert torch.isfinite(kept[0]).all()


def test_a_weight_that_is_no_number_ends_the_training():
    with pytest.raises(DivergedError):
        train(
            lambda weight, _: weight.sum(), recipe=Recipe(epochs=1, learning_rate=1e39, warm_up=0)
        )


@pytest.mark.parametrize(
    ("losses", "diverges"),
    [
        ([0.4, 0.4, 3.0, 1.0, 1.0, 1.0], True),
        ([0.4, 0.4, 3.0, 0.9, 0.9, 1.2], True),
        ([0.4, 0.4, 3.0, 0.9, 0.9, 0.9], False),
        ([0.95, 0.95, 1.0, 1.0, 1.0, 1.0], False),  # nothing was known that could be lost
    ],
)
def test_what_was_known_before_is_not_to_be_lost(losses, diverges):
    values = iter(losses)

    def loss(weight, _):
        return (weight * 0).sum() + next(values)

    if not diverges:
        train(loss, guessing=1.0)
        return
    with pytest.raises(DivergedError, match="no better than guessing"):
        train(loss, guessing=1.0)


def test_something_may_be_done_after_each_epoch():
    seen = []
    train(
        lambda weight, batch: (seen.append(batch), weight.square().sum())[1],
        after_epoch=lambda: seen.append("judged"),
    )
    assert seen[3::4] == ["judged"] * 2


def test_seeded_puts_randomness_back():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    with seeded(1):
        inside = torch.rand(1)
    assert torch.rand(1) == expected != inside


def test_an_attempt_that_diverges_is_made_again_at_smaller_rates():
    tried, notes = [], []

    def diverging(now):
        tried.append(now.rate)
        if now.rate > 0.1:
            raise DivergedError("no number")
        return "trained"

    assert attempt(diverging, notes.append) == "trained"
    assert tried == [1, 0.25, 0.0625]
    assert len(notes) == 2
    assert "0.0625 of the learning rate" in notes[1]


def test_nothing_is_left_of_a_failed_attempt_when_the_next_begins():
    left = []

    class Model:
        def __init__(self):
            self.itself = self  # as a SentenceTransformer is in cycles

    def diverging(now):
        left.append([one for one in gc.get_objects() if type(one) is Model])
        model = Model()
        if now.rate == 1:
            raise DivergedError(type(model).__name__)

    gc.disable()
    try:
        attempt(diverging, print)
    finally:
        gc.enable()
    assert left == [[], []]


def test_one_that_always_diverges_is_an_error_with_a_way_out():
    def diverging(now):
        raise DivergedError("training diverged")

    with pytest.raises(HarnessError, match=r"0\.0625.*\n.*learning_rate"):
        attempt(diverging, print)


def test_one_that_runs_out_of_memory_saves_some_and_then_gives_up():
    tried, notes = [], []

    def hungry(now):
        tried.append(now)
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(HarnessError, match="batch_size"):
        attempt(hungry, notes.append)
    assert tried == [Attempt(), Attempt(checkpointing=True)]
    assert len(notes) == 1
