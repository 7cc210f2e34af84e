"""What a run is asked to do: YAML and flags."""

import json
from pathlib import Path

import pytest

from harness.core.errors import UserError
from harness.runs.experiment import Experiment, MethodRequest, read_experiment

FULL = """\
task: customer_emails
labels: [2/class, 8/class, all]
draws: 4
method:
  - majority
  - use: few_shot:k=8
    labels: 2/class,16
    draws: 2
model: encoder:all-minilm-l6-v2
prompt: [intent_v1, customer_email_v1]
chat: yes
limit: 100
seed: 7
out: somewhere
data_dir: data
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes an experiment into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        path = Path("exp.yaml")
        path.write_text(text, "utf-8")
        return path

    return write


def problem(path, **flags):
    with pytest.raises(UserError) as caught:
        read_experiment(path, flags)
    return caught.value


def test_every_key(write):
    asked = read_experiment(write(FULL), {})
    assert asked == Experiment(
        task=["customer_emails"],
        labels=["2/class", "8/class", "all"],
        draws=4,
        method=[
            MethodRequest(use="majority"),
            MethodRequest(use="few_shot:k=8", labels=["2/class", "16"], draws=2),
        ],
        model=["encoder:all-minilm-l6-v2"],
        prompt=["intent_v1", "customer_email_v1"],
        chat=True,
        limit=100,
        seed=7,
        out="somewhere",
        data_dir="data",
    )


def test_what_is_not_said_has_a_default(write):
    asked = read_experiment(write("task: customer_emails"), {})
    assert (asked.method, asked.model, asked.prompt) == ([], [], [])
    assert (asked.labels, asked.draws, asked.limit, asked.seed) == (None, 3, None, 0)
    assert not asked.chat


def test_flags_alone():
    asked = read_experiment(
        None, {"task": ("customer_emails",), "method": ("tfidf", "majority"), "labels": ()}
    )
    assert [request.use for request in asked.method] == ["tfidf", "majority"]
    assert asked.labels is None


@pytest.mark.parametrize(
    ("flags", "key", "expected"),
    [
        ({"task": ("banking77",)}, "task", ["banking77"]),
        ({"method": ("tfidf",)}, "method", [MethodRequest(use="tfidf")]),
        ({"labels": ("4/class,all", "10")}, "labels", ["4/class", "all", "10"]),
        ({"draws": 1}, "draws", 1),
        ({"seed": 0}, "seed", 0),
        ({"chat": False}, "chat", False),
        ({"limit": 5}, "limit", 5),
        ({"out": "there"}, "out", "there"),
        ({"data_dir": "d"}, "data_dir", "d"),
        ({"prompt": ("intent_v1",)}, "prompt", ["intent_v1"]),
        ({"model": ("causal_lm:org/name",)}, "model", ["causal_lm:org/name"]),
    ],
)
def test_a_flag_goes_before_its_key_and_no_other(write, flags, key, expected):
    path = write(FULL)
    before, after = (read_experiment(path, given).model_dump() for given in ({}, flags))
    assert getattr(read_experiment(path, flags), key) == expected
    assert before[key] != after[key]
    assert {name for name in before if before[name] != after[name]} == {key}


def test_flags_that_were_not_given_change_nothing(write):
    flags = dict.fromkeys(Experiment.model_fields, None) | {"task": (), "method": (), "labels": []}
    path = write(FULL)
    assert read_experiment(path, flags) == read_experiment(path, {})


def test_a_task_may_come_by_flag_alone(write):
    asked = read_experiment(write("labels: all"), {"task": ("customer_emails",)})
    assert (asked.task, asked.labels) == (["customer_emails"], ["all"])


def test_a_flag_takes_the_place_of_a_key_without_a_value(write):
    path = write("task: customer_emails\ndraws:\n")
    assert read_experiment(path, {"draws": 2}).draws == 2
    assert read_experiment(path, {}).draws == 3


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("8/class,all", ["8/class", "all"]),
        ("[8/class, 100]", ["8/class", "100"]),
        ('["8/class, all", 100,]', ["8/class", "all", "100"]),
        (" 5 ", ["5"]),
    ],
)
def test_labels_are_a_list_or_parted_by_commas(write, labels, expected):
    path = write(f"task: customer_emails\nlabels: {labels}\n")
    assert read_experiment(path, {}).labels == expected
    own = write(f"task: customer_emails\nmethod:\n- use: tfidf\n  labels: {labels}\n")
    assert read_experiment(own, {}).method[0].labels == expected


@pytest.mark.parametrize(
    ("line", "where", "message", "found", "expected", "hint"),
    [
        ("sead: 3", "2: sead", "unknown key", "'3'", "seed", "'seed'"),
        ("sead:", "2: sead", "unknown key", None, "seed", "'seed'"),
        ("draws: three", "2: draws", "wrong value", "'three'", "a valid integer", None),
        ("draws: 0", "2: draws", "wrong value", "'0'", "greater than or equal to 1", None),
        ("draws: [1]", "2: draws", "wrong value", "['1']", "a valid integer", None),
        ("limit: 0", "2: limit", "wrong value", "'0'", "greater than or equal to 1", None),
        ("seed: -1", "2: seed", "wrong value", "'-1'", "greater than or equal to 0", None),
        ("chat: perhaps", "2: chat", "wrong value", "'perhaps'", "a valid boolean", None),
        ("out: [a]", "2: out", "wrong value", "['a']", "a valid string", None),
        ("labels: []", "2: labels", "at least 1 item", "[]", None, None),
        ("labels: ','", "2: labels", "at least 1 item", "','", None, None),
        ("labels: [all, 8/clas]", "2: labels[1]", "not a label budget", "'8/clas'", "8/class",
         None),
        ("labels: rows:no.json", "2: labels[0]", "no.json: cannot be read", "'rows:no.json'",
         None, None),
        ("method: majorty", "2: method[0].use", "no method named", "'majorty'",
         "one of contrastive",
         "'majority'"),
        ("method: tfidf:CC=1", "2: method[0].use", "no setting 'CC'", "'tfidf:CC=1'",
         "one of threshold, label_examples, C, max_iter", "'C'"),
        ("method: tfidf:C=big", "2: method[0].use", "the setting 'C'", "'big'", None,
         "harness methods show tfidf"),
        ("method: [majority, tfidf:C]", "2: method[1].use", "key=value", "'C'",
         "tfidf:threshold=...", None),
        ("method: few_shot:select=nearest,per=draw", "2: method[0].use", "near to no query",
         "'select=nearest,per=draw'", "select=nearest,per=query", "select=diverse"),
        ("method: [{use: 'few_shot:order=nearest_last'}]", "2: method[0].use", "near to no query",
         "'order=nearest_last,per=draw'", "order=nearest_last,per=query", "order=random"),
        ("method: [{use: tfidf, label: all}]", "2: method[0].label", "unknown key", "'all'",
         "one of use, labels, draws", "'labels'"),
        ("method: [{labels: all}]", "2: method[0].use", "this key is missing", None, None, None),
        ("method: [{use: tfidf, labels: none}]", "2: method[0].labels[0]", "not a label budget",
         "'none'", "8/class", None),
        ("method: [{use: tfidf, draws: 0}]", "2: method[0].draws", "wrong value", "'0'",
         "greater than or equal to 1", None),
        ("model: all-minilm-l6-v2", "2: model[0]", "its kind, a colon", "'all-minilm-l6-v2'",
         "causal_lm:MODEL or encoder:MODEL", "'encoder:all-minilm-l6-v2'"),
        ("model: encodr:x/y", "2: model[0]", "no model kind", "'encodr:x/y'", "causal_lm, encoder",
         "'encoder'"),
        ("model: encoder:all-minilm-l6", "2: model[0]", "names no model", "'all-minilm-l6'",
         "a name of the catalog", "'all-minilm-l6-v2'"),
        ("model: causal_lm:all-minilm-l6-v2", "2: model[0]", "", "all-minilm-l6-v2", None, None),
        ("prompt: question_type_v2", "2: prompt[0]", "no prompt named", "'question_type_v2'",
         "question_type_v1",
         "'question_type_v1'"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_yaml_is_shown_in_its_place(
    write, line, where, message, found, expected, hint
):
    error = str(problem(write(f"task: customer_emails\n{line}\n")))
    assert error.startswith(f"exp.yaml:{where}: ")
    assert message in error.splitlines()[0]
    for name, value in (("found", found), ("expected", expected), ("hint", hint)):
        lines = [text for text in error.splitlines() if text.strip().startswith(f"{name}:")]
        assert not value or value in lines[0]


def test_a_wrong_task(write):
    error = str(problem(write("\n\ntask: customer_emial\n")))
    assert error.startswith("exp.yaml:3: task[0]: there is no task named 'customer_emial'")
    assert "did you mean 'customer_emails'?" in error


def test_all_mistakes_are_listed_with_their_lines(write):
    error = str(problem(write("task: customer_emails\nsead: 1\nmethod: [tfid]\ndraws: x\n")))
    assert error.startswith("exp.yaml: 3 problems")
    places = [
        line.partition(": ")[0] for line in error.splitlines() if line.startswith("exp.yaml:")
    ]
    assert places == ["exp.yaml", "exp.yaml:2", "exp.yaml:3", "exp.yaml:4"]


@pytest.mark.parametrize(
    ("flags", "where", "message"),
    [
        ({"labels": ("8/clas",)}, "--labels", "not a label budget"),
        ({"labels": (",",)}, "--labels", "at least 1 item"),
        ({"method": ("tfid",)}, "--method", "did you mean 'tfidf'"),
        ({"method": ("few_shot:select=nearest,per=draw",)}, "--method", "near to no query"),
        ({"method": ("few_shot:order=nearest_last",)}, "--method", "near to no query"),
        ({"model": ("encoder",)}, "--model", "its kind, a colon"),
        ({"prompt": ("question_type_v2",)}, "--prompt", "did you mean 'question_type_v1'"),
        ({"task": ("customer_email",)}, "--task", "did you mean 'customer_emails'"),
        ({"draws": 0}, "--draws", "wrong value"),
    ],
)
def test_a_mistake_in_a_flag_names_the_flag_even_beside_a_yaml(write, flags, where, message):
    path = write("task: customer_emails\n")
    for given in (path, None):
        error = problem(given, **({"task": ("customer_emails",)} | flags))
        assert error.where == where
        assert message in str(error)


def test_no_task(write):
    assert problem(None).where == "--task"
    error = problem(write("draws: 2\n"))
    assert error.where == "exp.yaml:1: task"
    assert "harness tasks list" in str(error)


def test_no_such_file_and_a_task_written_in_its_place(tmp_path):
    error = problem(tmp_path / "customer_emails")
    assert "there is no such file" in str(error)
    assert "--task NAME" in str(error)


@pytest.mark.parametrize("text", ["task: [a", "- task", "", "task: &x a\n", "task: a\ntask: b\n"])
def test_what_is_no_yaml_of_ours(write, text):
    assert problem(write(text)).where.startswith("exp.yaml")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (["customer_emails"], "customer_emails"),
        (["my/mails.yaml"], "mails"),
        (["my/mails/task.yaml"], "mails"),
        (["my/mails/"], "mails"),
        (["my/mails.2/"], "mails.2"),
        (["task.yaml"], "here"),
        (["./"], "here"),
        (["customer_emails", "my/mails.yaml"], "customer_emails+mails"),
    ],
)
def test_a_run_has_a_folder_of_the_tasks_name(tmp_path, monkeypatch, task, expected):
    here = tmp_path / "here"
    for folder in (here, here / "my" / "mails", here / "my" / "mails.2"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "task.yaml").touch()
    (here / "my" / "mails.yaml").touch()
    monkeypatch.chdir(here)
    assert Experiment(task=task).run_dir == Path("results") / expected


def test_a_run_has_the_folder_that_was_asked_for():
    assert Experiment(task=["customer_emails"], out="a/b").run_dir == Path("a/b")


def test_the_settings_are_described_as_json(write):
    described = read_experiment(write(FULL), {}).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["method"][1] == {
        "use": "few_shot:k=8",
        "labels": ["2/class", "16"],
        "draws": 2,
    }
    assert Experiment(**described) == read_experiment(write(FULL), {})


def test_the_keys_are_the_flags_of_harness_run():
    from harness.cli.run import command

    flags = {parameter.name: parameter for parameter in command.params}
    assert set(flags) - {"experiment", "dry_run"} == set(Experiment.model_fields)
    for name, field in Experiment.model_fields.items():
        assert flags[name].opts == [f"--{name.replace('_', '-')}"]
        assert flags[name].multiple == ("list" in str(field.annotation)), name


def test_the_demo_is_an_experiment():
    path = Path(__file__).resolve().parents[2] / "docs" / "demo.yaml"
    assert read_experiment(path, {}).task == ["customer_emails"]


@pytest.mark.parametrize("out", ["afile", "afile/below"])
def test_a_file_stands_where_the_folder_should_be(tmp_path, monkeypatch, tiny_task_folder, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").write_text("")
    with pytest.raises(UserError, match="cannot be made here") as caught:
        read_experiment(None, {"task": (str(tiny_task_folder),), "out": out})
    assert caught.value.where == "--out"


def test_a_home_folder_is_meant_by_a_tilde(tiny_task_folder):
    asked = read_experiment(None, {"task": (str(tiny_task_folder),), "out": "~/runs-of-nobody"})
    assert "~" not in str(asked.run_dir)
