"""What holds for every way of transfer."""

import dataclasses
import math
from importlib.metadata import version
from typing import get_args

import numpy as np
import pytest

from harness.methods import METHODS, Use
from harness.methods.spec import describe_settings, parse_method

VARIANTS = [
    "zero_shot:calibration=none",
    "zero_shot:calibration=batch",
    "few_shot:calibration=content_free",
    "few_shot:calibration=batch",
    "few_shot:select=diverse,per=draw,calibration=none",
]
"""Prompting with settings that do without something, or with more than the default ones."""
QUICK = {
    name: f"{name}:epochs=1,min_steps=4,learning_rate=1e-3"
    for name in ("fine_tune", "last_layers", "lora", "contrastive")
}
QUICK["self_training"] = "self_training:base=prototypes,confidence=0.3"
ENTRIES = pytest.mark.parametrize("entry", list(METHODS), ids=lambda entry: entry.name)


def quick(entry):
    return QUICK.get(entry.name, entry.name)


def bits(predictions):
    return [(one.output, *(value.hex() for value in one.probabilities)) for one in predictions]


def check(predictions, labels, count):
    assert len(predictions) == count
    for prediction in predictions:
        assert prediction.failure is None
        assert len(prediction.probabilities) == len(labels)
        assert all(type(value) is float and 0 <= value <= 1 for value in prediction.probabilities)
        assert math.fsum(prediction.probabilities) == pytest.approx(1, abs=1e-6)
        best = prediction.probabilities.index(max(prediction.probabilities))
        assert prediction.output == labels[best].name


@ENTRIES
def test_fit_returns_itself_and_predictions_are_valid(entry, make_context, tiny_task, test_rows):
    spec = parse_method(quick(entry))
    method = spec.build()
    assert method.fit(tiny_task.train, (), make_context(spec)) is method
    check(method.predict(test_rows), tiny_task.labels, len(test_rows))


@ENTRIES
def test_the_same_cell_gives_the_same_bits(entry, fit, test_rows):
    first, second = (fit(quick(entry)).predict(test_rows) for _ in range(2))
    assert bits(first) == bits(second)


@ENTRIES
def test_what_an_earlier_fit_learned_is_forgotten(entry, fit, make_context, tiny_task, test_rows):
    method = fit(quick(entry), tiny_task.train[:7])
    method.fit(tiny_task.train, (), make_context(parse_method(quick(entry))))
    expected = fit(quick(entry), unlabelled=()).predict(test_rows)
    assert bits(method.predict(test_rows)) == bits(expected)


@ENTRIES
def test_a_rows_prediction_does_not_depend_on_its_block(entry, fit, test_rows):
    method = fit(quick(entry))
    together = method.predict(test_rows)
    blocks = [test_rows[:1], test_rows[1:4], test_rows[4:]]
    apart = [prediction for block in blocks for prediction in method.predict(block)]
    turned = method.predict(test_rows[::-1])[::-1]
    for other in (apart, turned):
        assert [one.output for one in other] == [one.output for one in together]
        np.testing.assert_allclose(
            [one.probabilities for one in other],
            [one.probabilities for one in together],
            rtol=0,
            atol=2e-6,
        )


@ENTRIES
def test_the_labels_of_test_rows_are_not_looked_at(entry, fit, tiny_task, test_rows):
    method = fit(quick(entry))
    assert bits(method.predict(list(tiny_task.test))) == bits(method.predict(test_rows))


@ENTRIES
@pytest.mark.parametrize("names", [{"lost_card", "top_up"}, {"exchange_rate"}])
def test_draws_without_some_classes(entry, names, fit, tiny_task, test_rows):
    train = [example for example in tiny_task.train if example.target in names]
    method = fit(quick(entry), train)
    check(method.predict(test_rows), tiny_task.labels, len(test_rows))


@ENTRIES
@pytest.mark.parametrize("places", [[5], [0, 4, 8, 12], [0, 0, 0, 4, 8, 12]])
def test_tiny_draws(entry, places, fit, tiny_task, test_rows):
    train = [
        dataclasses.replace(tiny_task.train[place], row=row) for row, place in enumerate(places)
    ]
    check(fit(quick(entry), train).predict(test_rows), tiny_task.labels, len(test_rows))


@ENTRIES
@pytest.mark.parametrize("text", ["?!", "👍", "丢失", "a", "word " * 500, "\tx\n\n"])
def test_odd_texts(entry, text, fit, tiny_task, test_rows):
    train = [dataclasses.replace(row, fields={"text": text}) for row in tiny_task.train[:10]]
    odd = [dataclasses.replace(row, fields={"text": text}) for row in test_rows[:2]]
    check(fit(quick(entry), train).predict([*odd, *test_rows]), tiny_task.labels, 10)


@pytest.mark.parametrize("text", [*map(quick, METHODS), *VARIANTS])
def test_it_uses_what_it_says_and_nothing_else(text, fit, tiny_task, test_rows):
    # A draw without a class, so that what stands for an unseen class counts, too.
    train = [example for example in tiny_task.train if example.target != "exchange_rate"]
    fewer = train[:1] + train[3:-2]
    words = tuple(
        dataclasses.replace(label, verbalizer=f"{word} thing", description=f"about {word}")
        for label, word in zip(tiny_task.labels, ("rate", "cash", "money", "Zürich"), strict=True)
    )
    before = bits(fit(text, train).predict(test_rows))
    after = {
        "labels": fit(text, fewer),
        "unlabelled": fit(text, train, tiny_task.unlabelled_texts()[:5]),
        "test_inputs": fit(text, train, test=test_rows[:5]),
        "seed": fit(text, train, seed=1),
        "label_words": fit(text, train, labels=words),
        "prompt": fit(text, train, prompt="customer_message_v1"),
    }
    changed = {use for use, method in after.items() if bits(method.predict(test_rows)) != before}
    assert changed == set(parse_method(text).uses)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in METHODS if "labels" not in entry.uses],
    ids=lambda entry: entry.name,
)
def test_what_needs_no_labels_takes_none(entry, fit, tiny_task, test_rows):
    check(fit(quick(entry), []).predict(test_rows), tiny_task.labels, len(test_rows))


@ENTRIES
def test_only_the_budget_is_read(entry, make_context, tiny_task):
    """Rows are handed to models only if they are in the draw."""
    train = tiny_task.train[:8]
    spec = parse_method(quick(entry))
    context = make_context(spec)
    read = []

    class Watched:
        def __init__(self, model):
            self.model = model

        def encode(self, texts):
            read.extend(texts)
            return self.model.encode(texts)

        def label_loglikelihoods(self, prompts, continuations):
            read.extend(prompt.text for prompt in prompts)
            return self.model.label_loglikelihoods(prompts, continuations)

        def __getattr__(self, name):
            return getattr(self.model, name)

    watched = dataclasses.replace(
        context,
        encoder=Watched(context.encoder) if context.encoder else None,
        causal_lm=Watched(context.causal_lm) if context.causal_lm else None,
    )
    method = spec.build().fit(train, (), watched)
    asked = [dataclasses.replace(tiny_task.test[0].without_target(), fields={"text": "hello"})]
    method.predict(asked)
    words = {label.verbalizer for label in tiny_task.labels}
    words |= {f"{label.verbalizer}: {label.description}" for label in tiny_task.labels}
    others = {tiny_task.text(row) for row in (*tiny_task.train[8:], *tiny_task.test)}
    others -= {tiny_task.text(row) for row in train}
    assert not [other for other in others - words if any(other == text for text in read)]
    assert not [other for other in others for text in read if f": {other}\n" in text]


@ENTRIES
def test_costs_are_charged_as_when_nothing_is_kept(entry, fit, test_rows):
    first, second = fit(quick(entry)), fit(quick(entry))
    for method in (first, second):
        method.predict(test_rows)
    tokens = [
        sorted(cost.tokens for cost in method.context_.meter.charged.values())
        for method in (first, second)
    ]
    assert tokens[0] == tokens[1]
    assert bool(tokens[0]) == bool(entry.models)
    assert all(count > 0 for count in tokens[0])


@ENTRIES
def test_its_model_may_be_metered_or_not(entry, make_context, tiny_task, test_rows):
    spec = parse_method(quick(entry))
    context = make_context(spec)
    bare = dataclasses.replace(
        context,
        encoder=context.encoder.encoder if context.encoder else None,
        causal_lm=context.causal_lm.model if context.causal_lm else None,
    )
    methods = [spec.build().fit(tiny_task.train, (), given) for given in (context, bare)]
    first, second = (method.predict(test_rows) for method in methods)
    assert bits(first) == bits(second)


@ENTRIES
def test_a_constructor_only_stores_settings(entry, fit):
    spec = parse_method(quick(entry))
    method = spec.build()
    assert vars(method) == method.stored_settings() == spec.settings
    assert fit(quick(entry)).stored_settings() == spec.settings
    learned = set(vars(fit(quick(entry)))) - set(spec.settings)
    assert learned
    assert all(name.endswith("_") for name in learned)


@ENTRIES
def test_its_line_in_the_name_table(entry):
    assert entry.summary
    assert set(entry.uses) <= set(get_args(Use))
    assert ("prompt" in entry.uses) == ("causal_lm" in entry.models)
    assert all(version(library) for library in entry.libraries)
    assert all(description for _, _, description in describe_settings(entry))
    assert (entry.load().__doc__ or "").strip()
