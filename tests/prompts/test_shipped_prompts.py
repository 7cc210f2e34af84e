import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.lookup import list_names, shipped
from harness.core.types import Label
from harness.prompts.template import Shot, load_prompt

PROMPTS = sorted(shipped("prompts").glob("*.yaml"))
LABELS = (Label("a", "lost card", "it is gone"), Label("b", "top up"))


SAID = {"text": "It is gone.", "premise": "It is gone.", "passage": "It is gone.",
        "context": "It is gone."}  # fmt: skip
ASKED = {"text": "Add 5.", "premise": "Add 5.", "passage": "Add 5.", "context": "Add 5."}
MORE = {
    "single_label": {},
    "ordinal": {},
    "multi_label": {},
    "text_pair": {"hypothesis": "the other", "question": "is it so"},
    "multiple_choice": {"choices": ["one", "two"], "choice_list": "A. one\nB. two"},
    "extraction": {"question": "What is it?", "slot": "it"},
    "generation": {"question": "What is it?"},
}
"""What a row of each kind has beside its text."""
KINDS_OF_PROMPTS = [(path, kind) for path in PROMPTS for kind in load_prompt(path.stem).kinds]


@pytest.mark.parametrize(("path", "kind"), KINDS_OF_PROMPTS, ids=lambda one: str(one)[-24:])
def test_every_prompt_reads_well(path, kind):
    prompt = load_prompt(path.stem)
    assert re.fullmatch(r"[a-z][a-z0-9_]*_v[0-9]+", prompt.name)
    prompt.check_variables([*SAID, *MORE[kind]])
    answer = prompt.options(["lost card", "top up"])[0]
    shown, asked = Shot(SAID | MORE[kind], answer), Shot(ASKED | MORE[kind])
    whole = prompt.head(LABELS) + prompt.demonstration(shown) + prompt.tail(asked)
    end = f"{prompt.gap}{answer}\n\n"
    assert whole.index("It is gone.") < whole.index(end) < whole.index("Add 5.")
    assert answer == {"words": "lost card", "letters": "A"}[prompt.style]
    assert whole == whole.rstrip()  # a last space would be a token of its own
    assert prompt.gap.isspace()
    assert not re.search(r"[{}]|\n\n\n|[ \t]\n|[^\S\n]{2}", whole)


@pytest.mark.parametrize("family", ["intent", "sentiment"])
def test_the_spread_over_wordings_can_be_measured(family):
    prompts = [load_prompt(path.stem) for path in PROMPTS if path.stem.startswith(f"{family}_v")]
    texts = {one.head(LABELS) + one.tail(Shot(ASKED)) for one in prompts}
    assert len(texts) == len(prompts) >= 3


def test_the_guide_shows_prompts_as_they_are_rendered():
    guide = (shipped("prompts") / "README.md").read_text("utf-8")
    where = Label("card_arrival", "card arrival"), Label("lost_card", "lost card")
    for name in ("intent_letters_v1", "intent_assistant_v1"):
        prompt = load_prompt(name)
        answer = prompt.options([label.verbalizer for label in where])[0]
        shown = Shot({"text": "where is my new card"}, answer)
        text = prompt.head(where) + prompt.demonstration(shown)
        assert text + prompt.tail(Shot({"text": "I cannot find my card"})) in guide, name


def test_the_guide_lists_every_prompt():
    guide = (shipped("prompts") / "README.md").read_text("utf-8")
    assert not [path.stem for path in PROMPTS if f"`{path.stem}`" not in guide]


def test_they_are_listed():
    assert {path.stem for path in PROMPTS} <= set(list_names("prompts"))
    assert PROMPTS


@given(st.sampled_from(PROMPTS), st.randoms(use_true_random=False))
def test_a_damaged_prompt_is_read_or_refused(tmp_path_factory, path, generator):
    file = tmp_path_factory.getbasetemp() / "damaged_v1.yaml"
    file.write_text(damaged(path.read_text("utf-8"), generator), "utf-8")
    try:
        prompt = load_prompt(str(file))
        prompt.check_variables(["text"])
        prompt.head(LABELS)
        prompt.demonstration(Shot({"text": "x"}, "lost card"))
        prompt.tail(Shot({"text": "x"}))
    except UserError as error:
        assert str(error).startswith(str(file))  # noqa: PT017 - either is right


def damaged(text: str, generator: random.Random) -> str:
    for _ in range(generator.randint(1, 4)):
        place = generator.randrange(len(text))
        insert = generator.choice(
            ["", "{", "}", "{{ ", " }}", "{% if text %}", ":", "\n", "  ", "'", '"', "|", "- ",
             "&a ", "*a", "!x ", "é", "\x00", "label", "#", "[", "null"]
        )  # fmt: skip
        text = text[:place] + insert + text[place + generator.randint(0, 3) :]
    return text
