import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.types import Example, Label
from harness.prompting.build import CUT_MARK, PromptBuilder
from harness.prompts.schema import PromptDefinition
from harness.prompts.template import PromptTemplate

LABELS = (Label("a", "lost card"), Label("b", "top up"))
RESERVED = len(" lost card") + 1  # the longest continuation, and a token of slack


class Bytes:
    """A model that reads a token a byte."""

    name = "bytes"

    def __init__(self, context_tokens):
        self.context_tokens = context_tokens

    def count_tokens(self, text):
        return len(text.encode())


def template(**changes):
    content = {
        "description": "d",
        "kinds": ["single_label"],
        "instruction": "Say which.",
        "input": "Message: {{ text }}",
        "answer": "Intent: {{ label }}",
    }
    definition = PromptDefinition.model_validate(content | changes)
    return PromptTemplate(definition, name="mine", where=lambda field: field)


def text_of(example):
    return "\n".join(str(value) for value in example.fields.values() if value is not None)


def builder(context_tokens=10_000, *, model=None, **changes):
    model = model or Bytes(context_tokens)
    return PromptBuilder(template=template(**changes), labels=LABELS, text=text_of, model=model)


def example(text, target=None, row=0):
    return Example(row, {"text": text}, target)


SHOTS = [example("gone", "a"), example("add money", "b"), example("where is it", "a")]
HEAD = "Say which.\n\n"
SHOWN = [
    "Message: gone\nIntent: lost card\n\n",
    "Message: add money\nIntent: top up\n\n",
    "Message: where is it\nIntent: lost card\n\n",
]
TAIL = "Message: please help\nIntent:"


def test_exactly_this_text():
    [prompt] = builder().build([example("please help")], SHOTS)
    assert prompt.head == HEAD + "".join(SHOWN)
    assert prompt.tail == TAIL
    assert builder().continuations == [" lost card", " top up"]


def test_examples_share_their_head():
    prompts = builder().build([example("one"), example("two")], SHOTS)
    assert [prompt.tail for prompt in prompts] == [
        "Message: one\nIntent:",
        "Message: two\nIntent:",
    ]
    assert prompts[0].head == prompts[1].head


@pytest.mark.parametrize("dropped", range(4))
def test_the_oldest_demonstrations_are_dropped_first(dropped):
    head = HEAD + "".join(SHOWN[dropped:])
    fits = len(head + TAIL) + RESERVED
    [prompt] = builder(fits).build([example("please help")], SHOTS)
    assert (prompt.head, prompt.tail) == (head, TAIL)
    if dropped < 3:
        [shorter] = builder(fits - 1).build([example("please help")], SHOTS)
        assert shorter.head == HEAD + "".join(SHOWN[dropped + 1 :])


def test_then_the_text_is_cut_and_marked():
    text = "please help me with this thing"
    room = len(HEAD + "Message: please help me\nIntent:") + len(CUT_MARK.encode()) + RESERVED
    [prompt] = builder(room).build([example(text)], SHOTS)
    assert prompt.head == HEAD
    assert prompt.tail == f"Message: please help me{CUT_MARK}\nIntent:"


def test_long_and_short_examples_side_by_side():
    room = len(HEAD + SHOWN[2] + TAIL) + RESERVED
    long, short = builder(room).build([example("x" * 500), example("hi")], SHOTS)
    assert CUT_MARK in long.tail
    assert short.head == HEAD + SHOWN[2]
    assert short.tail == "Message: hi\nIntent:"


def test_an_instruction_that_leaves_no_room_is_an_error():
    with pytest.raises(UserError, match="'mine' leaves no room") as caught:
        builder(120, instruction="Say which. " * 20).build([example("please help")], SHOTS)
    assert "at most 109, with bytes" in str(caught.value)


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    room=st.integers(80, 400),
)
def test_it_always_fits_and_keeps_instruction_and_cue(text, room):
    [prompt] = builder(room).build([example(text)], SHOTS)
    assert len(prompt.text.encode()) + RESERVED <= room
    assert prompt.head.startswith(HEAD)
    assert prompt.tail.startswith("Message: ")
    assert prompt.tail.endswith("\nIntent:")
    shown = prompt.tail.removeprefix("Message: ").removesuffix("\nIntent:")
    if shown != text:
        assert shown.endswith(CUT_MARK)
        assert text.startswith(shown.removesuffix(CUT_MARK))
        assert prompt.head == HEAD  # demonstrations go before text does
        longer = text[: len(shown.removesuffix(CUT_MARK)) + 30]
        assert len(f"{HEAD}Message: {longer}{CUT_MARK}\nIntent:".encode()) + RESERVED > room


def test_fields_are_cut_from_the_last_one_on():
    fields = {"title": "Lost", "number": 7, "body": "my card is gone"}
    whole = {"input": "{{ title }} {{ number }}: {{ body }}"}
    room = len(HEAD + "Lost 7: my card\nIntent:") + len(CUT_MARK.encode()) + RESERVED
    [prompt] = builder(room, **whole).build([Example(0, fields)], [])
    assert prompt.tail == f"Lost 7: my card{CUT_MARK}\nIntent:"


def test_all_fields_as_one_text():
    fields = {"title": "Lost", "nothing": None, "text": "my card"}
    [prompt] = builder().build([Example(0, fields)], [])
    assert prompt.tail == "Message: Lost\nmy card\nIntent:"


def test_with_a_real_tokenizer_a_prompt_and_any_label_fit_the_model(tiny_causal_lm):
    made = builder(model=tiny_causal_lm)
    examples = [example("card " * count) for count in (1, 40, 60, 80, 100, 400)]
    examples += [example("Zürich 丢失 " * count) for count in (5, 20, 200)]
    prompts = made.build(examples, SHOTS)
    lengths = [
        tiny_causal_lm.count_tokens(prompt.text + continuation)
        for prompt in prompts
        for continuation in made.continuations
    ]
    assert 256 - 20 < max(lengths) <= 256
    assert np.isfinite(
        tiny_causal_lm.label_loglikelihoods(prompts, made.continuations).values
    ).all()
