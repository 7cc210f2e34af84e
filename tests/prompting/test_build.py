import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.types import Example, Label
from harness.prompting.build import CUT_MARK, PromptBuilder
from harness.prompts.schema import PromptDefinition
from harness.prompts.template import PromptTemplate
from harness.tasks.kinds.single_label import SingleLabel, SingleLabelDefinition

LABELS = (Label("a", "lost card"), Label("b", "top up"))
RESERVED = len(" lost card") + 1  # the longest continuation, and a token of slack


CHATML = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


class Bytes:
    """A model that reads a token a byte."""

    name = "bytes"

    def __init__(self, context_tokens):
        self.context_tokens = context_tokens

    def count_tokens(self, text):
        return len(text.encode())

    def chat_text(self, messages):
        said = "".join(f"<{message.role}>{message.content}</>" for message in messages)
        return said + "<assistant>"


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


RULES = SingleLabel(
    SingleLabelDefinition(
        version="1",
        kind="single_label",
        data=[{"files": {"train": "t.csv"}, "fields": {"text": "text"}, "label": "label"}],
    )
)


def builder(context_tokens=10_000, *, model=None, chat=False, **changes):
    model = model or Bytes(context_tokens)
    return PromptBuilder(template(**changes), LABELS, RULES, model, chat=chat)


def build(texts, demonstrations, *settings, **changes):
    """The pieces of each text's prompt, and how many prompts were shortened."""
    examples = [example(text) for text in texts]
    built = builder(*settings, **changes).build(examples, [demonstrations] * len(examples))
    return [prompt.pieces for prompt in built.prompts], built.shortened


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
CHAT = {
    "head": "<user>Say which.\n\n",
    "shown": [
        "Message: gone</><assistant>Intent: lost card</><user>",
        "Message: add money</><assistant>Intent: top up</><user>",
        "Message: where is it</><assistant>Intent: lost card</><user>",
    ],
    "tail": "Message: {}</><assistant>Intent:",
}
PLAIN = {"head": HEAD, "shown": SHOWN, "tail": "Message: {}\nIntent:"}
both_forms = pytest.mark.parametrize(
    ("chat", "form"), [(False, PLAIN), (True, CHAT)], ids=["plain", "chat"]
)


@both_forms
def test_exactly_this_text(chat, form):
    made = builder(chat=chat)
    built = made.build([example("please help")], [SHOTS])
    [prompt] = built.prompts
    assert prompt.pieces == (form["head"], *form["shown"], form["tail"].format("please help"))
    assert built.continuations == [made.continuations()] == [(" lost card", " top up")]
    assert built.shortened == 0


@both_forms
def test_examples_share_all_but_the_last_piece(chat, form):
    [one, two], _ = build(["one", "Zürich 丢失 🙂"], SHOTS, chat=chat)
    assert one[:-1] == two[:-1] == (form["head"], *form["shown"])
    assert [one[-1], two[-1]] == [form["tail"].format(text) for text in ("one", "Zürich 丢失 🙂")]


@both_forms
def test_each_example_has_its_own_demonstrations(chat, form):
    queries = [example("one"), example("two"), example("three"), example("four")]
    shown = [SHOTS[:1], SHOTS[1:], [], SHOTS[:1]]
    built = builder(chat=chat).build(queries, shown)
    assert [prompt.pieces[1:-1] for prompt in built.prompts] == [
        tuple(form["shown"][:1]), tuple(form["shown"][1:]), (), tuple(form["shown"][:1]),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="shorter"):
        builder(chat=chat).build(queries, shown[:3])


@both_forms
def test_what_demonstrations_share_is_rendered_once(chat, form):
    class Counting(PromptTemplate):
        shown = 0

        def answer(self, shot):
            Counting.shown += 1
            return super().answer(shot)

    counting = Counting(
        PromptDefinition(description="d", kinds=["x"], input="{{ text }}", answer="{{ label }}"),
        name="mine", where=str,
    )  # fmt: skip
    made = PromptBuilder(counting, LABELS, RULES, Bytes(10_000), chat=chat)
    made.build([example(str(number)) for number in range(9)], [list(SHOTS) for _ in range(9)])
    assert Counting.shown == 3


@both_forms
@pytest.mark.parametrize("dropped", range(4))
def test_the_oldest_demonstrations_are_dropped_first(dropped, chat, form):
    tail = form["tail"].format("please help")
    whole = (form["head"], *form["shown"][dropped:], tail)
    fits = len("".join(whole)) + RESERVED
    assert build(["please help"], SHOTS, fits, chat=chat) == ([whole], int(dropped > 0))
    if dropped < 3:
        shorter = (form["head"], *form["shown"][dropped + 1 :], tail)
        assert build(["please help"], SHOTS, fits - 1, chat=chat) == ([shorter], 1)


@both_forms
def test_then_the_text_is_cut_and_marked(chat, form):
    text = "please help me with this thing"
    tail = form["tail"].format(f"please help me{CUT_MARK}")
    room = len((form["head"] + tail).encode()) + RESERVED
    assert build([text], SHOTS, room, chat=chat) == ([(form["head"], tail)], 1)


@both_forms
def test_long_and_short_examples_side_by_side(chat, form):
    short = (form["head"], form["shown"][2], form["tail"].format("please help"))
    room = len("".join(short)) + RESERVED
    [long, *others], shortened = build(["x" * 500, "please help", "hi"], SHOTS, room, chat=chat)
    assert CUT_MARK in long[-1]
    assert others == [short, (*short[:2], form["tail"].format("hi"))]
    assert shortened == 3
    assert build(["hi", "ho"], SHOTS[2:], room, chat=chat)[1] == 0


@both_forms
def test_an_instruction_that_leaves_no_room_is_an_error(chat, form):
    for text in ("please help", ""):
        with pytest.raises(UserError, match="'mine' leaves no room") as caught:
            build([text], SHOTS, 120, chat=chat, instruction="Say which. " * 20)
        assert "at most 109, with bytes" in str(caught.value)


@both_forms
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).filter(
        str.strip
    ),
    room=st.integers(80, 400),
)
def test_it_always_fits_and_keeps_instruction_and_cue(chat, form, text, room):
    [[*before, tail]], shortened = build([text], SHOTS, room, chat=chat)
    assert len("".join([*before, tail]).encode()) + RESERVED <= room
    head, cue = form["head"], form["tail"].partition("{}")[2]
    assert before == [head, *form["shown"][3 - len(before) + 1 :]]
    shown = tail.removeprefix("Message: ").removesuffix(cue)
    assert tail == form["tail"].replace("{}", shown)
    assert shortened == int(shown != text or len(before) < 4)
    if shown != text:
        assert shown.endswith(CUT_MARK)
        assert text.startswith(shown.removesuffix(CUT_MARK))
        assert before == [head]  # demonstrations go before text does
        longer = text[: len(shown.removesuffix(CUT_MARK)) + 30]
        assert len(f"{head}Message: {longer}{CUT_MARK}{cue}".encode()) + RESERVED > room


@pytest.mark.parametrize("title", ["Lost", "    "])
def test_fields_are_cut_from_the_last_one_on(title):
    fields = {"title": title, "number": 7, "body": "my card is gone"}
    whole = {"input": "{{ title }} {{ number }}: {{ body }}"}
    room = len(f"{HEAD}{title} 7: my card\nIntent:") + len(CUT_MARK.encode()) + RESERVED
    [prompt] = builder(room, **whole).build([Example(0, fields)], [[]]).prompts
    assert prompt.pieces[-1] == f"{title} 7: my card{CUT_MARK}\nIntent:"


def test_all_fields_as_one_text():
    fields = {"title": "Lost", "nothing": None, "text": "my card"}
    [prompt] = builder().build([Example(0, fields)], [[]]).prompts
    assert prompt.pieces[-1] == "Message: Lost\nmy card\nIntent:"


def test_letters_are_scored():
    letters = {"style": "letters", "instruction": "{{ label_list }}"}
    built = builder(**letters).build([example("please help")], [SHOTS[:2]])
    assert built.continuations == [(" A", " B")]
    assert built.prompts[0].pieces == (
        "A. lost card\nB. top up\n\n",
        "Message: gone\nIntent: A\n\n",
        "Message: add money\nIntent: B\n\n",
        TAIL,
    )


def test_the_cue_alone():
    assert builder().cue().pieces == ("Intent:",)
    assert builder(chat=True, system="Be brief.").cue().pieces == ("Intent:",)
    assert builder(answer="{{ sender }}: {{ label }}").cue().pieces == (":",)
    assert builder(answer="{{ label }}").cue().text == ""


@both_forms
def test_content_free_prompts(chat, form):
    texts = ["N/A", "[MASK]", ""]
    built = builder(chat=chat).content_free(texts, [SHOTS] * 3)
    assert [prompt.pieces for prompt in built.prompts] == [
        (form["head"], *form["shown"], form["tail"].format(text)) for text in texts
    ]
    assert built.continuations == [(" lost card", " top up")] * 3


def test_content_free_prompts_say_nothing_of_any_field():
    made = builder(input="{{ title }}: {{ text }}", answer="{{ sender }} wants: {{ label }}")
    [prompt] = made.content_free(["N/A"], [[]]).prompts
    assert prompt.pieces[-1] == "N/A: N/A\nN/A wants:"


def test_content_free_prompts_lose_demonstrations_too():
    room = len(HEAD + SHOWN[2] + "Message: N/A\nIntent:") + RESERVED
    built = builder(room).content_free(["N/A"], [SHOTS])
    assert (built.prompts[0].pieces[1:-1], built.shortened) == ((SHOWN[2],), 1)
    with pytest.raises(UserError, match="leaves no room"):
        builder(20 + RESERVED).content_free(["N/A"], [SHOTS])


@pytest.mark.parametrize("chat", [False, True])
def test_with_a_real_tokenizer_a_prompt_and_any_label_fit_the_model(
    tiny_causal_lm, chat, monkeypatch
):
    monkeypatch.setattr(tiny_causal_lm.tokenizer, "chat_template", CHATML)
    made = builder(model=tiny_causal_lm, chat=chat)
    examples = [example("card " * count) for count in (1, 40, 60, 80, 100, 400)]
    examples += [example("Zürich 丢失 " * count) for count in (5, 20, 200)]
    built = made.build(examples, [SHOTS] * len(examples))
    lengths = [
        tiny_causal_lm.count_tokens(prompt.text + continuation)
        for prompt, continuations in zip(built.prompts, built.continuations, strict=True)
        for continuation in continuations
    ]
    assert 256 - 20 < max(lengths) <= 256
    assert 0 < built.shortened < len(examples)
    scores = tiny_causal_lm.label_loglikelihoods(built.prompts, built.continuations)
    assert np.isfinite(scores.values).all()
