"""``harness tasks check``: what it finds beyond the data; and what no terminal shall act on."""

import json
from pathlib import Path

import pytest

NOT_FITTING = """mails.yaml:21: prompt: the prompt 'own_v1' does not fit the task 'mails'
  found:    'a prompt for translation'
  expected: one for single_label
"""


@pytest.fixture
def changed(task):
    """Writes the small task with some of its keys replaced; gives its path."""

    def change(**keys):
        Path(task).write_text(json.dumps(json.loads(Path(task).read_text()) | keys, indent=1))
        return task

    return change


@pytest.fixture
def problem(harness):
    """Checks a task that has one error; gives what is said."""

    def problem(task):
        result = harness("tasks", "check", task)
        assert result.exit_code == 2
        assert result.stdout.splitlines()[-1] == "1 errors, 0 warnings"
        return result.stdout

    return problem


def test_metrics_and_a_prompt_that_are_there(printed, changed):
    shown = printed("tasks", "check", changed(metrics=["accuracy", "macro_f1"]))
    assert shown.endswith("0 errors, 0 warnings\n")


def test_a_metric_that_is_misspelt(problem, changed):
    shown = problem(changed(metrics=["macro_f1", "acuracy"]))
    assert "error: mails.yaml:" in shown
    assert "there is no metric named 'acuracy'" in shown
    assert "\n  hint:     did you mean 'accuracy'?\n" in shown


def test_a_metric_of_another_kind(problem, changed, monkeypatch):
    from harness.metrics import METRICS, MetricEntry

    other = MetricEntry("bleu", "no.module:Class", "of another kind", kinds=("translation",))
    monkeypatch.setattr(METRICS, "_all", {**METRICS.entries(), "bleu": other})
    shown = problem(changed(metrics=["bleu"]))
    assert "the metric 'bleu' is not for tasks of the kind single_label" in shown
    assert "expected: one of accuracy, " in shown
    assert "bleu" not in shown.partition("expected:")[2]


def test_a_prompt_that_is_misspelt(problem, changed):
    assert "intent_v9" in problem(changed(prompt="intent_v9"))


@pytest.mark.parametrize(
    ("input_", "kinds", "expected"),
    [
        ("Message: {{ subject }}", "[single_label]", "found:    'subject'"),
        ("Message: {{ text }}", "[translation]", NOT_FITTING),
    ],
)
def test_a_prompt_that_does_not_fit(problem, changed, input_, kinds, expected):
    Path("own_v1.yaml").write_text(
        f'description: My own.\nkinds: {kinds}\ninput: "{input_}"\n'
        'answer: "Intent: {{ label }}"\n'
    )
    assert expected in problem(changed(prompt="own_v1.yaml"))


def test_errors_go_before_strict_warnings(harness, changed):
    Path("train.csv").write_text(Path("test.csv").read_text())
    assert harness("tasks", "check", changed(), "--strict").exit_code == 1
    assert harness("tasks", "check", changed(metrics=["acuracy"]), "--strict").exit_code == 2


def test_nothing_that_a_terminal_acts_on_is_printed(harness, changed):
    path = changed(description="a\u202eb\x1b[31m", licence="MIT\x1f\x0b")
    Path("train.csv").write_text("text,label\n\x1b]0;title\x07hi  there\x1f,pay\nbye,leave\n")
    Path("test.csv").write_text("text,label\n\x1b[2Jmoon,pay\n")
    shown = harness("tasks", "show", path).stdout + harness("tasks", "check", path).stdout
    assert "[pay] ]0;title hi  there\n" in shown
    assert not any(sign in shown for sign in "\x1b\x07\x1f\x0b\u202e")


def test_the_environment_names_the_data_folder_still(printed, task, monkeypatch):
    Path("data").mkdir()
    for name in ("train.csv", "test.csv"):
        Path(name).rename(f"data/{name}")
    monkeypatch.setenv("HARNESS_DATA", "data")
    assert "0 errors" in printed("tasks", "check", task)


def test_findings_come_in_order_of_weight(harness, changed):
    Path("train.csv").write_text(Path("test.csv").read_text())
    lines = harness("tasks", "check", changed(metrics=["acuracy"])).stdout.splitlines()
    said = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert said[:2] == ["error", "warning"]
    assert said[-1] == "1 errors, 1 warnings"
    assert said[2:-1] == ["note"] * (len(said) - 3)


def test_settings_are_checked_too(harness, task):
    result = harness("tasks", "check", task, "--set", "labels=[pay, leave, other]")
    assert "note: labels without test rows: 'other'" in result.stdout
    result = harness("tasks", "check", task, "--set", "metrics=[acuracy]")
    assert "error: --set metrics: there is no metric named 'acuracy'" in result.stdout
    result = harness("tasks", "check", task, "--set", "prompt=intent_v9")
    assert "error: --set prompt: there is no prompt named 'intent_v9'" in result.stdout
    assert result.exit_code == 2


def test_no_model_here_counts_no_tokens(printed, task):
    assert "tokens" not in printed("tasks", "check", task)


def test_tokens_for_a_model_that_is_named(printed, refused, task, tiny_encoder_folder, cache):
    long = "text,label\n" + "".join(f"{'my card is lost ' * 20}{n},pay\n" for n in range(3))
    Path("test.csv").write_text(long)
    shown = printed("tasks", "check", task, "--model", f"encoder:{tiny_encoder_folder}")
    assert "warning: test: " in shown
    assert "3 rows (100.0 %) are longer than the 64 that it reads" in shown
    assert "note: train: " in shown
    assert "0 rows (0.0 %) are longer than the 64 that it reads" in shown
    assert "did you mean" in refused("tasks", "check", task, "--model", "encodr:x")
    assert not list(cache.glob("models/*")), "nothing is fetched for a check"


def test_tokens_are_those_the_model_sees(task, tiny_encoder_folder, tiny_causal_lm_folder):
    from transformers import AutoTokenizer

    from harness.cli.token_counts import token_counters

    texts = ["my card is lost", "Café Zürich", "", "x" * 900]
    flags = [f"encoder:{tiny_encoder_folder}", f"causal_lm:{tiny_causal_lm_folder}"]
    encoder, lm = token_counters(flags)
    assert (encoder.reads, lm.reads) == (64, None)
    for counter, folder in ((encoder, tiny_encoder_folder), (lm, tiny_causal_lm_folder)):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert counter.count(texts) == [len(tokenizer(text)["input_ids"]) for text in texts]
