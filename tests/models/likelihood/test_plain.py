import numpy as np
import torch

from harness.models.likelihood.plain import PlainScorer


def test_equals_the_definition(llama, make_prompt):
    prompt = make_prompt(length=9, labels=4)
    values, run = PlainScorer(llama).score(prompt)
    assert run == sum(9 + len(label) - 1 for label in prompt.continuations)
    for label, value in zip(prompt.continuations, values, strict=True):
        total = 0.0
        for place, token in enumerate(label):
            ids = torch.tensor([[*prompt.context, *label[:place]]])
            with torch.inference_mode():
                total += llama(input_ids=ids).logits[0, -1].double().log_softmax(-1)[token].item()
        np.testing.assert_allclose(value, total, rtol=0, atol=1e-4)


def test_keeps_nothing(llama):
    assert PlainScorer(llama).keep_prefix((1, 2, 3)) == 0
