"""What the methods that train an encoder make of the budget before they train on it."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from harness.core.types import Example
from harness.methods.fine_tuned import ANEW, PRETRAINED
from harness.methods.spec import parse_method
from harness.tasks.kinds.multiple_choice import MultipleChoice
from harness.training.attempts import Attempt
from harness.training.cosine import CosineClassifier


@pytest.fixture
def method(make_context):
    """Gives a method as it is written, with the rules of a task kind."""

    def made(text, *, classes=3, **rules):
        spec = parse_method(text)
        method = spec.build()
        context = make_context(spec)
        method.context_ = dataclasses.replace(
            context, labels=context.labels[:classes], rules=SimpleNamespace(**rules)
        )
        return method

    return made


@pytest.mark.parametrize(
    ("written", "identity", "epochs", "rate"),
    [
        ("fine_tune", "sha256:one", PRETRAINED.epochs, PRETRAINED.rate),
        ("fine_tune", "from_scratch:one", ANEW.epochs, ANEW.rate),
        ("fine_tune", "adapted:one", PRETRAINED.epochs, PRETRAINED.rate),
        ("fine_tune:epochs=3,learning_rate=1e-5", "from_scratch:one", 3, 1e-5),
        ("lora:learning_rate=1e-3", "from_scratch:one", ANEW.epochs, 1e-3),
    ],
)
def test_a_network_that_has_learnt_nothing_is_trained_longer(
    method, written, identity, epochs, rate
):
    tuned = method(written)
    tuned.context_ = dataclasses.replace(tuned.context_, encoder=SimpleNamespace(identity=identity))
    recipe = tuned._recipe(Attempt(rate=0.5))
    assert (recipe.epochs, recipe.learning_rate) == (epochs, rate / 2)


def test_a_rare_class_counts_as_much_as_a_frequent_one(method):
    tuned = method("fine_tune:class_weights=balanced", answer="label")
    targets = np.array([0] * 6 + [1] * 2)  # the draw has no row of the third class
    weights = tuned._weights(targets)
    assert weights[0] * 6 == pytest.approx(weights[1] * 2)
    assert weights[targets].mean() == pytest.approx(1)
    assert method("fine_tune", answer="label")._weights(targets) is None


def test_having_a_label_counts_as_much_as_not_having_it(method):
    tuned = method("fine_tune:class_weights=balanced", answer="labels")
    has = np.zeros((8, 3), dtype=bool)
    has[:6, 0] = has[0, 1] = True
    weights = tuned._weights(has)
    np.testing.assert_allclose(weights, [2 / 6, 7, 1])
    assert np.isfinite(tuned._weights(np.zeros((4, 3), dtype=bool))).all()


def test_the_choices_of_a_question_are_held_out_together(method):
    def items(example):
        return MultipleChoice.items(SimpleNamespace(text=lambda fields: fields["q"]), example)

    tuned = method("fine_tune:validation=0.25", items=items)
    choices = ("one", "two", "three")
    rows = [
        Example(row, {"q": f"question {row}"}, "AB"[row % 2], choices[: 2 + row % 2])
        for row in range(8)
    ]
    kept, held = tuned._set_apart(rows)
    question = [row for row in range(8) for _ in range(2 + row % 2)]
    assert sorted(kept + held) == list(range(20))
    assert not {question[item] for item in kept} & {question[item] for item in held}
    assert len({question[item] for item in held}) == 2


def truth(examples, labels):
    return np.array([[label.name in row.target for label in labels] for row in examples])


def test_sets_of_labels_that_share_one_can_be_drawn_together(tiny_task, make_context):
    spec = parse_method("contrastive:epochs=1,min_steps=2")
    context = make_context(spec)
    names = [label.name for label in context.labels[:3]]
    targets = [(names[0],), (names[0], names[1]), (names[0], names[2])]
    rows = [
        dataclasses.replace(row, target=target)
        for row, target in zip(tiny_task.train, targets, strict=False)
    ]
    rules = SimpleNamespace(
        answer="labels", needs_threshold=False, encode=truth,
        items=context.rules.items, text=context.rules.text,
    )  # fmt: skip
    method = spec.build().fit(rows, (), dataclasses.replace(context, rules=rules))
    assert not method.context_.meter.notes


def test_all_classes_count_alike_with_their_words(fit, tiny_task, monkeypatch):
    seen = []
    train = CosineClassifier.fit

    def watched(self, texts, targets, *, weights, **given):
        seen.append(np.bincount(targets) * weights)
        return train(self, texts, targets, weights=weights, **given)

    monkeypatch.setattr(CosineClassifier, "fit", watched)
    rows = [row for row in tiny_task.train if row.target != tiny_task.labels[0].name]
    fit("fine_tune:class_weights=balanced,epochs=1,min_steps=2", [tiny_task.train[0], *rows])
    np.testing.assert_allclose(seen[0], seen[0][0], rtol=1e-6)


def test_a_budget_of_one_row_a_class_has_none_to_validate_by(fit, tiny_task):
    rows = list({row.target: row for row in tiny_task.train}.values())
    method = fit("fine_tune:validation=0.2,epochs=1,min_steps=2", rows)
    assert method.context_.meter.notes == [
        "too few classes have two examples: none was held out for validation"
    ]


def test_one_text_a_class_trains_no_encoder(fit, tiny_task):
    rows = list({row.target: row for row in tiny_task.train}.values())
    method = fit("contrastive:label_examples=0", rows)
    assert method.context_.meter.notes == ["no class has two examples: the encoder was not trained"]
