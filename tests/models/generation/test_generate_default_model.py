"""The real default model against transformers' own generation."""

import pytest

from harness.models.base import Message, PromptText
from harness.models.causal_lm import LocalCausalLM

pytestmark = pytest.mark.slow
MAX_TOKENS = 16
QUESTIONS = ("What is the capital of France?", "Name three colours.", "Who wrote Hamlet?", "2+2?")
INSTRUCTION = "Answer the question in one short sentence.\n\n"


@pytest.fixture(scope="module")
def resolved(default_models):
    return default_models("causal_lm")


@pytest.fixture(scope="module")
def theirs(resolved):
    """What transformers generates after a text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(resolved.folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(resolved.folder)

    def generate(text):
        inputs = tokenizer(text, return_tensors="pt")
        written = model.generate(**inputs, do_sample=False, max_new_tokens=MAX_TOKENS)
        return tokenizer.decode(written[0, inputs.input_ids.shape[1] :], skip_special_tokens=True)

    return generate


def test_equals_transformers_and_itself_in_any_company(resolved, theirs, tmp_path):
    def fresh(name):
        return LocalCausalLM(resolved, tmp_path / name)

    lm = fresh("together")
    asked = [PromptText((INSTRUCTION, f"Question: {each}\nAnswer:")) for each in QUESTIONS]
    asked += [PromptText((lm.chat_text([Message("user", each)]),)) for each in QUESTIONS]
    texts = lm.generate(asked, stop=(), max_tokens=MAX_TOKENS).values
    assert list(texts) == [theirs(prompt.text) for prompt in asked]
    alone = fresh("alone")
    for prompt, text in zip(asked[:4], texts, strict=False):
        assert alone.generate([prompt], stop=(), max_tokens=MAX_TOKENS).values == (text,)
    stopped = fresh("stopped").generate(asked, stop=["\n", "."], max_tokens=MAX_TOKENS).values
    assert list(stopped) == [text.partition("\n")[0].partition(".")[0] for text in texts]
