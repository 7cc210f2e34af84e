"""Letters scored as continuations, beside the probabilities of transformers' DecisionPipeline.

The pipeline renders a state and a question with its options, reads the logits at the last token
before its mark (without one: at the end of the prompt) and takes the softmax over the letters'.
"""

import numpy as np
import pytest

from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.resolve import resolve

STATES = (
    "I was charged twice for my order and want a refund.",
    "Wo bleibt mein Paket? Die Straße stimmt, café Zürich.",
    {"subject": "Card", "body": "my card is lost\n\nin Rome"},
)
OPTIONS = {
    "refund": "The customer wants money back",
    "delivery": None,
    "lost card": "A card is gone",
    "praise": "The customer is happy",
    "age limit": None,
    "other": "Anything else",
}
# For a tokenizer without a chat template. What stands behind the mark must not be read.
TEMPLATE = """{{ state }}
{{ question.instructions }}
{% for option in question.options %}{{ question.labels[loop.index0] }}. {{ option }}
{% endfor %}Answer:
<|mark|>B, said the other"""


@pytest.fixture
def decision_pipeline():
    """Gives the pipeline over the model of a folder, on the CPU in float32."""
    decision = pytest.importorskip(
        "transformers.pipelines.decision", reason="this transformers is too old for it"
    )

    def make(folder, **settings):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
        return decision.DecisionPipeline(
            model=model,
            tokenizer=AutoTokenizer.from_pretrained(folder),
            decision_config=decision.DecisionConfig(**settings),
            device="cpu",
        )

    return make


def question(state, options):
    asked = {"type": "choice", "instructions": "What is it about?", "criteria": options}
    return {"state": state, "questions": {"intent": asked}}


def prompt_and_letters(pipe, lm, request):
    """What the pipeline reads up to its mark, as text, and the letters it scores.

    The text must come to the same tokens again, and a letter behind it to the one token that the
    pipeline takes it for: otherwise the two would not be asked the same.
    """
    ((inputs, (asked,)),) = pipe.preprocess(request)["prompts"]
    read = inputs["input_ids"][0, : inputs["marks"][-1]].tolist()
    text = pipe.tokenizer.decode(read, clean_up_tokenization_spaces=False)
    assert lm.tokenizer(text)["input_ids"] == read
    for letter, token in zip(asked.labels, pipe.label_token_ids(tuple(asked.labels)), strict=True):
        assert lm.tokenizer(text + letter)["input_ids"] == [*read, token]
    return text, asked.labels


def assert_alike(pipe, lm, states, counts):
    requests = [
        question(state, dict(list(OPTIONS.items())[:count])) for state in states for count in counts
    ]
    asked = [prompt_and_letters(pipe, lm, request) for request in requests]
    ours = lm.label_loglikelihoods(
        [PromptText((text,)) for text, _ in asked], [letters for _, letters in asked]
    ).values
    for row, request, (_, letters) in zip(ours, requests, asked, strict=True):
        theirs = list(pipe(request)["intent"]["probabilities"].values())
        likelihoods = np.exp(row[: len(letters)], dtype=np.float64)
        assert likelihoods / likelihoods.sum() == pytest.approx(theirs, rel=0, abs=1e-4)
        assert max(theirs) - min(theirs) > 1e-3  # of equal options anything would be right
        assert (row[len(letters) :] == -np.inf).all()


def test_a_tiny_model_decides_alike(tiny_causal_lm, tiny_causal_lm_folder, decision_pipeline):
    pipe = decision_pipeline(tiny_causal_lm_folder, chat_template=TEMPLATE)
    assert_alike(pipe, tiny_causal_lm, STATES, range(2, 7))


@pytest.mark.slow
def test_the_default_model_decides_alike(default_models, cache, decision_pipeline):
    folder = default_models("causal_lm").folder
    lm = LocalCausalLM(resolve(str(folder), "causal_lm"), cache)
    assert_alike(decision_pipeline(folder), lm, STATES, range(2, 7))
