import contextlib
import time

import numpy as np

from harness.core.types import Cost
from harness.models.base import Outputs, PromptText
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder


class Model:
    name, identity, context_tokens = "model", "sha256:0", 77

    def encode(self, texts):
        time.sleep(0.01)
        costs = {text.encode(): Cost(2.0, len(text)) for text in texts}
        return Outputs(np.zeros((len(texts), 2), np.float32), costs)

    def label_loglikelihoods(self, prompts, continuations):
        assert continuations == [" x"]
        return self.encode([prompt.text for prompt in prompts])

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
    lm.label_loglikelihoods([PromptText("a", "b"), PromptText("", "ab")], [" x"])
    assert total(meter) == Cost(2.0, 2)
    assert (lm.count_tokens("abc"), lm.context_tokens) == (3, 77)


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
