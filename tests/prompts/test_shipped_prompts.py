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


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_every_prompt_reads_well(path):
    prompt = load_prompt(path.stem)
    assert re.fullmatch(r"[a-z][a-z0-9_]*_v[0-9]+", prompt.name)
    prompt.check_variables(["text"])
    shown, asked = Shot({"text": "It is gone."}, LABELS[0]), Shot({"text": "Add 5."})
    whole = prompt.head(LABELS) + prompt.demonstration(shown, LABELS) + prompt.tail(asked)
    answer = {"words": "lost card", "letters": "A"}[prompt.style]
    assert whole.index("It is gone.") < whole.index(f": {answer}\n\n") < whole.index("Add 5.")
    assert whole == whole.rstrip()  # a last space would be a token of its own
    assert all(continuation[0].isspace() for continuation in prompt.continuations(LABELS))
    assert not re.search(r"[{}]|\n\n\n|[ \t]\n", whole)


def test_the_guide_shows_prompts_as_they_are_rendered():
    guide = (shipped("prompts") / "README.md").read_text("utf-8")
    where = Label("card_arrival", "card arrival"), Label("lost_card", "lost card")
    shown = Shot({"text": "where is my new card"}, where[0])
    for name in ("intent_letters_v1", "intent_assistant_v1"):
        prompt = load_prompt(name)
        text = prompt.head(where) + prompt.demonstration(shown, where)
        assert text + prompt.tail(Shot({"text": "I cannot find my card"})) in guide, name


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
        prompt.demonstration(Shot({"text": "x"}, LABELS[0]), LABELS)
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
