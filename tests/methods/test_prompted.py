"""What zero-shot and few-shot prompting share: scores, calibration, and what both are charged."""

import numpy as np
import pytest

from harness.core.types import Example
from harness.models.base import PromptText
from harness.stats.arrays import softmax

HEAD = "Each message below was sent by a customer. Say what the customer wants.\n\n"


def probabilities(predictions):
    return np.array([prediction.probabilities for prediction in predictions])


@pytest.fixture
def scores(models, tiny_task):
    """The labels' log-likelihoods after prompts of one text each, as the model gives them."""

    def scores(texts):
        prompts = [PromptText((HEAD, f"Message: {text}\nIntent:")) for text in texts]
        continuations = [f" {label.verbalizer}" for label in tiny_task.labels]
        model = models["causal_lm"]
        return model.label_loglikelihoods(prompts, [continuations] * len(prompts)).values

    return scores


def test_probabilities_are_the_softmax_of_the_labels_log_likelihoods(fit, scores, test_rows):
    found = probabilities(fit("zero_shot:calibration=none").predict(test_rows))
    values = scores([row.fields["text"] for row in test_rows]).astype(np.float64)
    np.testing.assert_array_equal(found, softmax(values))
    warm = probabilities(fit("zero_shot:calibration=none,temperature=3").predict(test_rows))
    np.testing.assert_array_equal(warm, softmax(values / 3))


@pytest.mark.parametrize("calibration", ["content_free", "domain", "batch"])
def test_a_label_loses_its_mean_over_the_inputs(fit, scores, tiny_task, test_rows, calibration):
    method = fit(f"zero_shot:calibration={calibration},spread=0")
    found = probabilities(method.predict(test_rows))
    inputs = {
        "content_free": ["N/A", "[MASK]", ""],
        "domain": [row.fields["text"] for row in tiny_task.unlabelled_texts()],
        "batch": [row.fields["text"] for row in test_rows],
    }[calibration]
    values = scores([row.fields["text"] for row in test_rows]).astype(np.float64)
    means = scores(inputs).astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(found, softmax(values - means), atol=1e-6)


def test_domain_reads_at_most_so_many_texts(fit, tiny_task, read_prompts):
    fit("zero_shot:texts=5")
    known = {f"Message: {row.fields['text']}\nIntent:" for row in tiny_task.unlabelled_texts()}
    asked = [prompt.pieces[-1] for prompt in read_prompts]
    assert len({*asked}) == len(asked) == 5
    assert {*asked} < known


def test_calibrating_inputs_carry_no_label(fit, tiny_task, test_rows, read_prompts):
    fit("zero_shot:calibration=batch").predict(test_rows)
    fit("zero_shot")
    fit("few_shot:k=2,calibration=content_free")
    assert len(read_prompts) == 2 * len(test_rows) + len(tiny_task.unlabelled_texts()) + 3
    for prompt in read_prompts:
        assert prompt.pieces[-1].endswith("\nIntent:")
        assert prompt.pieces[-1].count("\n") == 1
        assert not any(f"Intent: {label.verbalizer}" in prompt.pieces[-1] for label in
                       tiny_task.labels)  # fmt: skip


def test_calibration_is_the_same_whatever_labels_unlabelled_rows_had(fit, tiny_task, test_rows):
    with_labels = fit("zero_shot", [], tiny_task.train).predict(test_rows)
    without = [row.without_target() for row in tiny_task.train]
    assert with_labels == fit("zero_shot", [], without).predict(test_rows)


def test_without_unlabelled_texts_domain_is_content_free(fit, test_rows):
    bare = fit("zero_shot:calibration=domain", [], []).predict(test_rows)
    assert bare == fit("zero_shot:calibration=content_free").predict(test_rows)
    assert bare != fit("zero_shot:calibration=none").predict(test_rows)
    train = fit("few_shot:k=2,calibration=domain", unlabelled=[]).predict(test_rows)
    assert train == fit("few_shot:k=2,calibration=content_free").predict(test_rows)


@pytest.mark.parametrize("calibration", ["none", "content_free", "domain"])
def test_a_row_says_the_same_whatever_else_is_asked(fit, test_rows, calibration):
    others = [Example(100 + n, {"text": f"what about {n} cards"}) for n in range(20)]
    for text in (f"zero_shot:calibration={calibration}", f"few_shot:k=2,calibration={calibration}"):
        together = fit(text).predict(test_rows)
        assert [fit(text).predict([row])[0] for row in test_rows] == together
        assert fit(text).predict([*test_rows[::-1], *others])[:8] == together[::-1]


def test_a_row_that_is_a_demonstration_changes_the_others_by_rounding_alone(fit, test_rows):
    # It is not shown itself, so its prompt begins otherwise, and the others are cut elsewhere.
    method = fit("few_shot:k=2")
    [shown] = method.demonstrations([Example(-1, {})])
    alone = probabilities(method.predict(test_rows))
    beside = probabilities(method.predict([*test_rows, *shown]))[: len(test_rows)]
    np.testing.assert_allclose(beside, alone, rtol=0, atol=2e-6)


def test_batch_looks_at_all_the_test_inputs(fit, test_rows):
    method = fit("zero_shot:calibration=batch")
    together = method.predict(test_rows)
    assert method.predict(test_rows[:2]) == together[:2]  # whichever are asked about
    fewer = fit("zero_shot:calibration=batch", test=test_rows[:4])
    assert fewer.predict(test_rows[:2]) != together[:2]


def test_calibrating_inputs_are_charged(fit, test_rows):
    def charged(text):
        method = fit(text)
        method.predict(test_rows)
        return method.context_.meter.charged

    none, content_free, domain, batch = (
        charged(f"zero_shot:calibration={name}")
        for name in ("none", "content_free", "domain", "batch")
    )
    assert len(none) == len(test_rows) + 1  # and the instruction
    assert none.items() <= content_free.items()
    assert none.items() <= domain.items()
    assert none == batch  # the very test inputs
    assert len(content_free) - len(none) == 3
    assert len(domain) - len(none) == 24
    extra = [domain[key].tokens for key in domain.keys() - none.keys()]
    assert min(extra) > 0


def test_what_calibrates_is_charged_to_learning_and_batch_to_predicting(fit, test_rows):
    for name, count in (("domain", 24 + 1), ("batch", 0), ("none", 0)):
        method = fit(f"zero_shot:calibration={name}")
        assert len(method.context_.meter.charged) == count
