"""``harness prompts``: what a run's model reads, and nothing a terminal acts on."""

from pathlib import Path

import pytest

from harness.prompting.build import PromptBuilder


def prompt_file(name="mine.yaml", kinds="single_label", **more):
    lines = {"description": "x", "kinds": f"[{kinds}]", "input": "'{{ text }}'"} | more
    content = [f"{key}: {value}" for key, value in lines.items()]
    Path(name).write_text("\n".join([*content, "answer: 'A: {{ label }}'", ""]), "utf-8")
    return name


@pytest.mark.parametrize("draw", [1, 2])
@pytest.mark.parametrize("select", ["random", "balanced"])
def test_render_shows_what_few_shot_shows_in_a_run(
    printed, task, tiny_causal_lm_folder, tiny_causal_lm, draw, select
):
    from harness.methods.base import Context
    from harness.models.meter import Meter, MeteredCausalLM
    from harness.runs.experiment import Experiment
    from harness.runs.plan import make_plan

    asked = Experiment(
        task=[task], method=[f"few_shot:k=3,select={select}"], labels=["2/class"], draws=2, seed=5
    )
    cell = make_plan(asked, lambda *_: "a model").cells[draw - 1]
    loaded, meter = cell.planned.task, Meter()
    lm = MeteredCausalLM(tiny_causal_lm, meter)
    context = Context(labels=loaded.labels, text=loaded.text, seed=cell.seed, meter=meter,
                      encoder=None, causal_lm=lm, prompt=cell.prompt)  # fmt: skip
    method = cell.method.build().fit(cell.train, (), context)
    builder = PromptBuilder(cell.prompt, loaded.labels, loaded.text, tiny_causal_lm)
    [expected] = builder.build([loaded.test[1].without_target()], method.demonstrations_)
    shown = printed("prompts", "render", "intent_v1", "--task", task, "--row", "1", "--k", "3",
                    "--labels", "2/class", "--draw", draw, "--select", select, "--seed", "5",
                    "--model", tiny_causal_lm_folder)  # fmt: skip
    text, _, rest = shown.partition("\n\n--- scored")
    assert text == expected.text
    shared = len(tiny_causal_lm._prefix(expected.head))
    assert f"tokens, {shared} of them shared by every row" in rest


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
