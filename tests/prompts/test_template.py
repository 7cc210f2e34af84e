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


def shot(text, label=None):
    return Shot({"sender": "Ann", "text": text}, label)


def test_the_whole_prompt():
    prompt = template()
    head = prompt.head(LABELS, [shot("gone", LABELS[0]), shot("add 5", LABELS[1])])
    assert head == (
        "Choose one:\n"
        "* lost card (the card is gone)\n"
        "* top up\n"
        "Nothing else, of 2.\n"
        "\n"
        "From Ann: gone\n"
        "Intent: lost card\n"
        "\n"
        "From Ann: add 5\n"
        "Intent: top up\n"
        "\n"
    )
    assert prompt.tail(shot("where?")) == "From Ann: where?\nIntent:"
    assert [prompt.continuation(label) for label in LABELS] == [" lost card", " top up"]


def test_without_an_instruction():
    prompt = template(instruction=None)
    assert prompt.head(LABELS, []) == ""
    assert prompt.head(LABELS, [shot("a", LABELS[0])]) == "From Ann: a\nIntent: lost card\n\n"


def test_another_separator():
    prompt = template(separator="\n###\n", instruction="Go.")
    assert prompt.head(LABELS, [shot("a", LABELS[0])]) == (
        "Go.\n###\nFrom Ann: a\nIntent: lost card\n###\n"
    )


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
    assert prompt.continuation(LABELS[0]) == continuation


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


def test_a_demonstration_needs_its_label():
    with pytest.raises(ValueError, match="no label"):
        template().head(LABELS, [shot("a")])


def test_the_hash_is_of_what_shapes_the_text():
    first = template().content_hash
    assert template(description="Other words.", kinds=["other"]).content_hash == first
    for key, value in WHOLE.items():
        if key not in ("description", "kinds"):
            changed = template(**{key: f"New {value}"}).content_hash
            assert changed != first, key
    assert template(separator="\n").content_hash != first


def test_loading_names_file_and_line(tmp_path):
    file = tmp_path / "mine_v1.yaml"
    lines = ["description: d", "kinds: [single_label]", "input: '{{ text }}'", "answer: 'Intent:'"]
    file.write_text("\n".join(lines))
    with pytest.raises(UserError) as caught:
        load_prompt(str(file))
    assert str(caught.value).startswith(f"{file}:4: answer: ")
    file.write_text("\n".join([*lines[:3], "answer: 'Intent: {{ label }}'"]))
    assert load_prompt(str(file)).name == "mine_v1"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'intent_v1'"):
        load_prompt("intent_v11")


def test_the_schema_for_editors_has_every_key():
    assert set(json_schema()["properties"]) == {*WHOLE, "separator"}
