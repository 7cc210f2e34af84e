import pytest

from harness.core.errors import UserError
from harness.core.types import Label
from harness.prompts.schema import PromptDefinition, json_schema
from harness.prompts.template import PromptTemplate, Shot, load_prompt

LABELS = (
    Label("lost_card", "lost card", "the card is gone"),
    Label("top_up", "top up"),
)
WHOLE = {
    "description": "What a message is about.",
    "kinds": ["single_label"],
    "instruction": "Choose one:\n{{ label_list }}\nNothing else, of {{ labels | length }}.\n",
    "label_list": "* {{ label }}{% if description %} ({{ description }}){% endif %}",
    "input": "From {{ sender }}: {{ text }}\n",
    "answer": "Intent: {{ label }}",
}


def template(**changes):
    content = {key: value for key, value in (WHOLE | changes).items() if value is not None}
    return PromptTemplate(
        PromptDefinition.model_validate(content), name="mine", where=lambda field: f"mine: {field}"
    )


WORDS = [label.verbalizer for label in LABELS]


def shot(text, answer=None):
    return Shot({"sender": "Ann", "text": text}, answer)


def continuations(prompt, words=WORDS):
    return tuple(prompt.gap + option for option in prompt.options(words))


def test_the_whole_prompt():
    prompt = template()
    assert prompt.head(LABELS) == (
        "Choose one:\n* lost card (the card is gone)\n* top up\nNothing else, of 2.\n\n"
    )
    assert [prompt.demonstration(shot("gone", words)) for words in WORDS] == [
        "From Ann: gone\nIntent: lost card\n\n",
        "From Ann: gone\nIntent: top up\n\n",
    ]
    assert prompt.tail(shot("where?")) == "From Ann: where?\nIntent:"
    assert continuations(prompt) == (" lost card", " top up")


def test_without_an_instruction():
    prompt = template(instruction=None)
    assert (prompt.system(LABELS), prompt.instruction(LABELS), prompt.head(LABELS)) == ("", "", "")


def test_a_system_message_stands_first():
    prompt = template(system="You sort mail into {{ labels | length }} boxes.\n", instruction="Go.")
    assert prompt.system(LABELS) == "You sort mail into 2 boxes."
    assert prompt.head(LABELS) == "You sort mail into 2 boxes.\n\nGo.\n\n"
    assert template(system="{% if labels %}{% endif %}", instruction="Go.").head(LABELS) == (
        "Go.\n\n"
    )


def test_another_separator():
    prompt = template(separator="\n###\n", instruction="Go.")
    assert prompt.head(LABELS) == "Go.\n###\n"
    assert prompt.demonstration(shot("a", WORDS[0])) == ("From Ann: a\nIntent: lost card\n###\n")


@pytest.mark.parametrize(
    ("answer", "cue", "continuation"),
    [
        ("Intent: {{ label }}", "Intent:", " lost card"),
        ("Intent: {{label}}\n", "Intent:", " lost card"),
        ("Intent:\n\n{{ label }}", "Intent:", "\n\nlost card"),
        ("Intent: {{- label -}}", "Intent:", "lost card"),
        ("{{ label }}", "", "lost card"),
        ("{{ sender }} wants: {{ label }}", "Ann wants:", " lost card"),
        ('The intent is "{{ label }}', 'The intent is "', "lost card"),
    ],
)
def test_the_cue_and_what_follows_it(answer, cue, continuation):
    prompt = template(answer=answer)
    assert prompt.tail(shot("a")) == f"From Ann: a\n{cue}"
    assert prompt.cue(shot("a")) == cue
    assert continuations(prompt)[0] == continuation
    assert prompt.answer(shot("a", WORDS[0])) == cue + continuation


def test_what_it_says_of_an_example():
    assert template(answer="{{ day }}: {{ label }}").variables == {"sender", "text", "day"}


LETTERS = {"style": "letters", "instruction": "One of:\n{{ label_list }}", "label_list": None}


def test_letters():
    prompt = template(**LETTERS)
    assert prompt.head(LABELS) == "One of:\nA. lost card\nB. top up\n\n"
    assert prompt.demonstration(shot("a", prompt.options(WORDS)[1])) == "From Ann: a\nIntent: B\n\n"
    assert prompt.tail(shot("a")) == "From Ann: a\nIntent:"
    assert continuations(prompt) == (" A", " B")


@pytest.mark.parametrize(
    ("count", "first", "last"), [(26, "A", "Z"), (27, "AA", "BA"), (77, "AA", "CY")]
)
def test_letters_of_many_options(count, first, last):
    labels = [Label(f"n{number}", f"étiquette {number}") for number in range(count)]
    prompt = template(**LETTERS | {"label_list": "({{ letter }}) {{ label }}"})
    lines = prompt.instruction(labels).split("\n")[1:]
    assert (lines[0], lines[-1]) == (f"({first}) étiquette 0", f"({last}) étiquette {count - 1}")
    words = [label.verbalizer for label in labels]
    assert continuations(prompt, words)[-1] == f" {last}"
    assert prompt.answer(shot("a", prompt.options(words)[-1])) == f"Intent: {last}"


@pytest.mark.parametrize("key", ["system", "instruction"])
def test_letters_are_listed_in_the_system_message_or_the_instruction(key):
    changes = {"system": "", "instruction": ""} | {key: "{{ label_list }}"}
    prompt = template(**LETTERS | changes)
    assert prompt.head(LABELS) == "A. lost card\nB. top up\n\n"


@pytest.mark.parametrize(
    "instruction",
    [None, "Say which.", "{{ labels | join(', ') }}", "{% raw %}{{ label_list }}{% endraw %}"],
)
def test_letters_that_are_not_listed_mean_nothing(instruction):
    with pytest.raises(UserError, match=r"mine: instruction: with `style: letters`") as caught:
        template(**LETTERS | {"instruction": instruction})
    assert "{{ label_list }}" in str(caught.value)


def test_a_list_without_letters_is_refused():
    with pytest.raises(UserError, match=r"mine: label_list: .* must show its letter"):
        template(**LETTERS | {"label_list": "- {{ label }}"})


@pytest.mark.parametrize(
    "answer", ["Intent:", "{{ label }}.", "{{ labels }}", "{{ label | upper }}", "{label}"]
)
def test_an_answer_without_the_label_at_its_end(answer):
    with pytest.raises(UserError, match=r"mine: answer: the answer must end with \{\{ label \}\}"):
        template(answer=answer)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"instruction": "{{ lables }}"}, ["mine: instruction", "lables", "did you mean 'labels'"]),
        ({"instruction": "{{ text }}"}, ["mine: instruction", "label_list, labels"]),
        ({"label_list": "{{ descripton }}"}, ["mine: label_list", "did you mean 'description'"]),
        ({"label_list": "{{ letter }}"}, ["mine: label_list", "one of description, label"]),
        ({"system": "{{ text }}"}, ["mine: system", "label_list, labels"]),
        ({"input": "{{ text"}, ["mine: input", "does not parse"]),
        ({"answer": "{% if x %}{{ label }}"}, ["mine: answer", "does not parse"]),
    ],
)
def test_mistakes_are_found_when_it_is_read(changes, says):
    with pytest.raises(UserError) as caught:
        template(**changes)
    assert all(part in str(caught.value) for part in says)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input": "{{ sendr }} {{ text }}"}, ["mine: input", "'sendr'", "did you mean 'sender'"]),
        ({"answer": "{{ label }} is {{ label }}"}, ["mine: answer", "one of sender, text"]),
    ],
)
def test_variables_that_the_task_does_not_have(changes, says):
    prompt = template(**changes)
    with pytest.raises(UserError) as caught:
        prompt.check_variables(["sender", "text"])
    assert all(part in str(caught.value) for part in says)


def test_a_template_with_the_tasks_variables_is_right():
    template().check_variables(["sender", "text"])


def test_a_demonstration_needs_its_answer():
    with pytest.raises(ValueError, match="no answer"):
        template().demonstration(shot("a"))


def test_the_answer_may_be_called_answer():
    assert template(answer="Reply: {{ answer }}").tail(shot("a")) == "From Ann: a\nReply:"


def test_choices_are_listed_where_they_are_in_the_input():
    prompt = template(style="letters", instruction=None, label_list=None,
                      input="{{ text }}\n{{ choice_list }}")  # fmt: skip
    choices = [Label("one", "one"), Label("two", "two")]
    assert prompt.lines(choices) == "A. one\nB. two"


def test_the_hash_is_of_what_shapes_the_text():
    first = template().content_hash
    assert template(description="Other words.", kinds=["other"]).content_hash == first
    for key, value in WHOLE.items():
        if key not in ("description", "kinds"):
            changed = template(**{key: f"New {value}"}).content_hash
            assert changed != first, key
    assert template(separator="\n").content_hash != first
    assert template(system="Go.").content_hash != first
    letters = {**LETTERS, "label_list": "{{ letter }}. {{ label }}"}
    assert template(**letters).content_hash == template(**LETTERS).content_hash


def test_loading_names_file_and_line(tmp_path):
    file = tmp_path / "mine_v1.yaml"
    lines = ["description: d", "kinds: [single_label]", "input: '{{ text }}'", "answer: 'Intent:'"]
    file.write_text("\n".join(lines))
    with pytest.raises(UserError) as caught:
        load_prompt(str(file))
    assert str(caught.value).startswith(f"{file}:4: answer: ")
    file.write_text("\n".join([*lines[:3], "answer: 'Intent: {{ label }}'"]))
    assert load_prompt(str(file)).name == "mine_v1"
    file.write_text("\n".join([*lines[:3], "style: letter", "answer: 'Intent: {{ label }}'"]))
    with pytest.raises(UserError, match="did you mean 'letters'") as caught:
        load_prompt(str(file))
    assert str(caught.value).startswith(f"{file}:4: style: ")
    file.write_text("\n".join([*lines[:3], "style: letters", "answer: 'Intent: {{ label }}'"]))
    with pytest.raises(UserError, match="without the list a letter means nothing"):
        load_prompt(str(file))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'intent_v1'"):
        load_prompt("intent_v11")


def test_the_schema_for_editors_has_every_key():
    properties = json_schema()["properties"]
    assert set(properties) == {*WHOLE, "separator", "style", "system"}
    assert properties["style"]["enum"] == ["words", "letters"]
