import numpy as np
import pytest

from harness.models.base import PromptText
from harness.stats.arrays import softmax


@pytest.mark.parametrize("k", [0, 1, 4, 8, 100])
@pytest.mark.parametrize("select", ["random", "balanced"])
def test_demonstrations_come_from_the_budget(fit, tiny_task, k, select):
    train = tiny_task.train[::2]
    method = fit(f"few_shot:k={k},select={select}", train)
    assert len(method.demonstrations_) == min(k, len(train))
    assert all(example in train for example in method.demonstrations_)


def test_a_prompt_shows_them_in_order(fit, tiny_task, test_rows):
    method = fit("few_shot:k=3")
    [prompt] = method.builder_.build(test_rows[:1], method.demonstrations_)
    verbalizers = {label.name: label.verbalizer for label in tiny_task.labels}
    shown = "".join(
        f"Message: {example.fields['text']}\nIntent: {verbalizers[example.target]}\n\n"
        for example in method.demonstrations_
    )
    assert prompt.text.endswith(f"{shown}Message: {test_rows[0].fields['text']}\nIntent:")


def test_without_demonstrations_it_is_zero_shot(fit, test_rows):
    bare = fit("few_shot:k=0").predict(test_rows)
    assert bare == fit("zero_shot").predict(test_rows)
    assert bare == fit("few_shot", []).predict(test_rows)  # a budget of nothing
    assert bare != fit("few_shot:k=2").predict(test_rows)


def test_probabilities_are_the_softmax_of_the_labels_log_likelihoods(
    fit, models, tiny_task, test_rows
):
    instruction = "Each message below was sent by a customer. Say what the customer wants.\n\n"
    prompts = [
        PromptText(instruction, f"Message: {row.fields['text']}\nIntent:") for row in test_rows
    ]
    continuations = [f" {label.verbalizer}" for label in tiny_task.labels]
    values = models["causal_lm"].label_loglikelihoods(prompts, continuations).values
    found = [prediction.probabilities for prediction in fit("zero_shot").predict(test_rows)]
    np.testing.assert_array_equal(found, softmax(values))
