import contextlib
import dataclasses
import time

import numpy as np

from harness.core.types import Cost
from harness.models.base import Message, Outputs, PromptText, Texts
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder


class Model:
    name, identity, context_tokens = "model", "sha256:0", 77

    def encode(self, texts):
        time.sleep(0.01)
        costs = {text.encode(): Cost(2.0, len(text)) for text in texts}
        return Outputs(np.zeros((len(texts), 2), np.float32), costs)

    def label_loglikelihoods(self, prompts, continuations):
        assert continuations == [[" x"]] * len(prompts)
        outputs = self.encode([prompt.text for prompt in prompts])
        return dataclasses.replace(outputs, halved=len(prompts) > 2)

    def generate(self, prompts, *, stop, max_tokens):
        outputs = self.encode([prompt.text for prompt in prompts])
        texts = tuple(prompt.text + stop[0] * max_tokens for prompt in prompts)
        return Texts(texts, outputs.costs, halved=len(prompts) > 2)

    def continuation_lengths(self, prompts, continuations):
        rows = zip(prompts, continuations, strict=True)
        return np.array([[len(label) for label in labels] for _, labels in rows])

    def chat_text(self, messages):
        return "".join(message.content for message in messages)

    def count_tokens(self, text):
        return len(text)

    def load(self):
        return "a fresh model"


def total(meter):
    return sum(meter.charged.values(), Cost())


def test_every_output_is_charged_once():
    meter = Meter()
    encoder = MeteredEncoder(Model(), meter)
    assert encoder.encode(["ab", "cde"]).values.shape == (2, 2)
    encoder.encode(["ab", "f"])
    assert total(meter) == Cost(6.0, 6)
    assert 0.02 <= meter.inside_seconds < 2.0  # what really went by, not what is charged


def test_a_causal_lm_is_charged_alike():
    meter = Meter()
    lm = MeteredCausalLM(Model(), meter)
    lm.label_loglikelihoods([PromptText(("a", "b")), PromptText(("ab",))], [[" x"]] * 2)
    assert total(meter) == Cost(2.0, 2)
    assert not meter.halved


def test_generated_texts_are_charged_alike():
    meter = Meter()
    lm = MeteredCausalLM(Model(), meter)
    asked = [PromptText(("a", "b")), PromptText(("ab",)), PromptText(("c",))]
    assert lm.generate(asked, stop=["."], max_tokens=2).values == ("ab..", "ab..", "c..")
    assert total(meter) == Cost(4.0, 3)
    assert meter.halved
    assert 0.01 <= meter.inside_seconds < 2.0


def test_asking_a_causal_lm_about_texts_is_free():
    meter = Meter()
    lm = MeteredCausalLM(Model(), meter)
    assert (lm.count_tokens("abc"), lm.context_tokens) == (3, 77)
    assert lm.continuation_lengths([PromptText(("a",))], [[" x", "y"]]).tolist() == [[2, 1]]
    assert lm.chat_text([Message("user", "hi")]) == "hi"
    assert meter.charged == {}


def test_a_halved_pass_marks_the_cell_for_good():
    meter = Meter()
    lm = MeteredCausalLM(Model(), meter)
    for count, halved in ((1, False), (3, True), (1, True)):
        lm.label_loglikelihoods([PromptText(("a",))] * count, [[" x"]] * count)
        assert meter.halved == halved


def test_it_passes_for_the_model():
    meter = Meter()
    for metered in (MeteredEncoder(Model(), meter), MeteredCausalLM(Model(), meter)):
        assert (metered.name, metered.identity) == ("model", "sha256:0")
    assert MeteredEncoder(Model(), meter).load() == "a fresh model"
    assert meter.charged == {}


def test_time_of_a_failed_call_counts_as_inside():
    meter = Meter()
    with contextlib.suppress(RuntimeError), meter.outputs():
        time.sleep(0.01)
        raise RuntimeError
    assert meter.inside_seconds >= 0.01


def test_work_of_the_cells_own_adds_up():
    meter = Meter()
    meter.add(Cost(0.5, 3))
    meter.add(Cost(0.5, 3))
    assert total(meter) == Cost(1.0, 6)
