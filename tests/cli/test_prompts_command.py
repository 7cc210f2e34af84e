"""``harness prompts``: what a run's model reads, and nothing a terminal acts on."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from harness.cli.prompts import ORDERS, SCOPES, SELECTIONS
from harness.prompting.build import PromptBuilder
from harness.prompting.demonstrations import DemonstrationPicker, Order, Scope, Selection


def prompt_file(name="mine.yaml", kinds="single_label", **more):
    lines = {"description": "x", "kinds": f"[{kinds}]", "input": "'{{ text }}'"} | more
    content = [f"{key}: {value}" for key, value in lines.items()]
    Path(name).write_text("\n".join([*content, "answer: 'A: {{ label }}'", ""]), "utf-8")
    return name


@pytest.fixture
def rendered(printed, task, tiny_causal_lm_folder):
    """Calls ``harness prompts render``; gives the prompt's text and what is said of it."""

    def rendered(prompt, *flags):
        shown = printed("prompts", "render", prompt, "--task", task,
                        "--model", tiny_causal_lm_folder, *flags)  # fmt: skip
        text, _, rest = shown.partition("\n\n--- scored")
        return text, rest

    return rendered


@pytest.mark.parametrize("draw", [1, 2])
@pytest.mark.parametrize(
    "settings",
    ["select=random", "select=balanced,order=label_grouped", "select=nearest",
     "select=diverse,order=random,per=query"],
)  # fmt: skip
def test_render_shows_the_demonstrations_of_a_run(
    rendered, task, tiny_causal_lm, tiny_encoder_folder, tiny_encoder, draw, settings
):
    from harness.runs.experiment import Experiment
    from harness.runs.plan import make_plan

    asked = Experiment(task=[task], method=["few_shot:k=3"], labels=["2/class"], draws=2, seed=5)
    cell = make_plan(asked, lambda *_: "a model").cells[draw - 1]
    loaded = cell.planned.task
    query = loaded.test[1].without_target()
    chosen = dict(setting.split("=") for setting in settings.split(","))
    picker = DemonstrationPicker(
        cell.train, k=3, **chosen, seed=cell.seed, text=loaded.text,
        embed=lambda rows: tiny_encoder.encode([loaded.text(row) for row in rows]).values,
    )  # fmt: skip
    builder = PromptBuilder(cell.prompt, loaded.labels, loaded.rules, tiny_causal_lm)
    [expected] = builder.build([query], picker.pick([query])).prompts
    text, said = rendered(
        "intent_v1", "--row", "1", "--k", "3", "--labels", "2/class", "--draw", draw,
        "--seed", "5", "--encoder", tiny_encoder_folder,
        *(part for key, value in chosen.items() for part in (f"--{key}", value)),
    )  # fmt: skip
    assert text == expected.text
    shared = tiny_causal_lm.count_tokens("".join(expected.pieces[:-1]))
    assert f"{tiny_causal_lm.count_tokens(text)} tokens, {shared} of them shared" in said
    assert "shortened" not in said


def test_the_flags_offer_what_there_is():
    assert get_args(Selection) == SELECTIONS
    assert get_args(Order) == ORDERS
    assert get_args(Scope) == SCOPES


def test_settings_that_contradict_each_other(refused, task):
    said = refused("prompts", "render", "intent_v1", "--task", task, "--select", "nearest",
                   "--per", "draw")  # fmt: skip
    assert "near to no query" in said


def test_render_as_a_conversation(rendered, tiny_causal_lm_folder, tmp_path):
    chat = tmp_path / "chat"
    shutil.copytree(tiny_causal_lm_folder, chat)
    (chat / "chat_template.jinja").write_text(
        "{% for message in messages %}<{{ message.role }}>{{ message.content }}</>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    text, said = rendered("intent_assistant_v1", "--chat", "--model", chat)
    system = "<system>You read messages from customers. For each message, say in a few words"
    assert text.startswith(system)
    assert text.endswith("</><user>Message: test 0 I pay</><assistant>Intent:")
    assert "' pay'\n' leave'\n" in said


def test_a_model_that_cannot_chat(refused, task, tiny_causal_lm_folder):
    said = refused("prompts", "render", "intent_v1", "--task", task, "--chat",
                   "--model", tiny_causal_lm_folder)  # fmt: skip
    assert "has no chat template" in said


def test_render_says_what_it_shortened(rendered):
    name = prompt_file(instruction="'" + "Say which. " * 12 + "'")
    text, said = rendered(name, "--k", "12")
    assert 0 < text.count("\nA: ") < 12
    assert "shortened to fit" in said


def test_letters(rendered):
    text, said = rendered("intent_letters_v1", "--k", "1")
    assert "\nA. pay\nB. leave\n" in text
    assert "' A'\n' B'\n" in said


def test_what_a_terminal_would_act_on_is_taken_out(printed, task, tiny_causal_lm_folder):
    name = prompt_file(instruction=r'"safe \\e[31m  text"')
    Path(name).write_text(Path(name).read_text("utf-8") + "# \u202e\n", "utf-8")
    shown = printed("prompts", "show", name)
    rendered = printed("prompts", "render", name, "--task", task, "--model", tiny_causal_lm_folder)
    assert not {"\x1b", "\u202e"} & {*shown, *rendered}
    assert "  text" in rendered


def test_a_kind_that_does_not_exist_is_named(refused, harness, task):
    Path("prompts").mkdir()
    name = prompt_file("prompts/wrong_v1.yaml", kinds="single_lable")
    for arguments in (["show", name], ["render", name, "--task", task]):
        said = refused("prompts", *arguments)
        assert f"{name}: kinds: there is no task kind named 'single_lable'" in said
        assert "did you mean 'single_label'?" in said
    listed = harness("prompts", "list")
    assert listed.exit_code == 0
    assert "did you mean 'single_label'?" in listed.stderr
