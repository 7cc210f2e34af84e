"""From settings to cells; what cannot work is refused before a model is touched."""

import json
import warnings
from collections import Counter

import pytest

from harness.core.errors import UserError
from harness.methods import METHODS, MethodEntry
from harness.models.catalog import DEFAULTS

TWO_TASKS = ["customer_emails", "banking77"]


@pytest.fixture
def refusal(make_plan):
    """Plans what cannot work; gives the error. No model may have been asked for."""

    def untouched(spec, kind):
        raise AssertionError(f"{kind}:{spec} was touched")

    def refusal(**asked):
        with pytest.raises(UserError) as caught:
            make_plan(identity=untouched, **asked)
        return caught.value

    return refusal


@pytest.fixture
def plan(make_plan):
    """Plans with models of made-up identities."""
    return lambda **asked: make_plan(identity=lambda spec, kind: f"{kind}={spec}", **asked)


@pytest.fixture
def foreign_method(monkeypatch):
    """A registered method that can do tasks of another kind only."""
    path = METHODS.get("majority").path
    entry = MethodEntry("pairs", path, "", way="control", kinds=("text_pair",))
    monkeypatch.setitem(METHODS.entries(), "pairs", entry)
    return entry


def test_all_methods_at_all_budgets_and_draws(plan, task_file):
    cells = plan(task=[str(task_file())], labels=["2/class,all"], draws=3).cells
    counts = Counter((cell.row.method, cell.row.labels) for cell in cells)
    with_labels = [entry.name for entry in METHODS if "labels" in entry.uses]
    expected = {(name, "2/class"): 3 for name in with_labels}
    expected |= {(name, "all"): 1 for name in with_labels}
    trained = ("few_shot", "fine_tune", "last_layers", "lora", "contrastive", "self_training")
    expected |= {(name, "all"): 3 for name in trained}
    expected |= {("zero_shot", "0"): 1, ("label_embedding", "0"): 1}
    assert counts == expected


def test_the_order_is_that_of_the_settings(plan, task_file):
    cells = plan(
        task=[str(task_file("mails")), str(task_file("letters"))],
        method=["tfidf", "majority"],
        labels=["2", "1/class"],
        draws=2,
    ).cells
    assert [(cell.row.task, cell.row.method, cell.row.labels, cell.row.draw) for cell in cells] == [
        (task, method, labels, draw)
        for task in ("mails", "letters")
        for method in ("tfidf", "majority")
        for labels in ("2", "1/class")
        for draw in (0, 1)
    ]


def test_a_cell_has_what_its_method_asks_for(plan, task_file):
    path = task_file()
    for cell in plan(task=[str(path)], labels=["2/class"], draws=1).cells:
        method, row = cell.method, cell.row
        assert tuple(model.kind for model in cell.models) == method.models
        assert (cell.models == ()) == (row.model == "")
        assert (cell.prompt is None) == ("prompt" not in method.uses) == (row.prompt == "")
        assert len(cell.train) == row.train_rows == (4 if "labels" in method.uses else 0)
        assert cell.planned.task.name == row.task == "mails"


def test_a_model_that_was_not_named_is_the_catalogs_default(plan, task_file):
    cells = plan(task=[str(task_file())], draws=1).cells
    for cell in cells:
        assert cell.row.model == "".join(DEFAULTS[model.kind] for model in cell.models)
    only_encoder = plan(task=[str(task_file())], draws=1, model=["encoder:org/name"]).cells
    names = {model.kind: cell.row.model for cell in only_encoder for model in cell.models}
    assert names == {"encoder": "org/name", "causal_lm": DEFAULTS["causal_lm"]}


def test_a_method_of_two_models_has_a_cell_for_each_pair(plan, task_file):
    cells = plan(
        task=[str(task_file())],
        method=["few_shot:select=nearest", "few_shot"],
        model=["encoder:org/e", "causal_lm:org/a", "causal_lm:org/b", "encoder:org/f"],
        draws=1,
    ).cells
    assert [cell.row.model for cell in cells] == [
        "org/a + org/e",
        "org/a + org/f",
        "org/b + org/e",
        "org/b + org/f",
        "org/a",
        "org/b",
    ]
    assert [model.identity for model in cells[0].models] == ["causal_lm=org/a", "encoder=org/e"]
    assert cells[0].record["models"] == {"causal_lm": "causal_lm=org/a", "encoder": "encoder=org/e"}
    assert len({cell.row.identity for cell in cells}) == 6


def test_only_models_that_are_needed_are_asked_for(make_plan, task_file):
    asked = []
    make_plan(
        identity=lambda spec, kind: asked.append((kind, spec)) or "x",
        task=[str(task_file())],
        method=["majority", "prototypes", "linear_probe"],
        model=["causal_lm:org/lm", "encoder:org/a", "encoder:org/b"],
    )
    assert asked == [("encoder", "org/a"), ("encoder", "org/b")]


@pytest.mark.parametrize(
    ("method", "kinds"),
    [
        ("few_shot", {"causal_lm"}),
        ("few_shot:select=random,order=label_grouped", {"causal_lm"}),
        ("few_shot:select=nearest", {"causal_lm", "encoder"}),
        ("few_shot:select=nearest,order=label_grouped", {"causal_lm", "encoder"}),
        ("few_shot:order=nearest_last,per=query", {"causal_lm", "encoder"}),
        ("few_shot:select=diverse,per=draw", {"causal_lm", "encoder"}),
        ("few_shot:select=nearest,k=0", {"causal_lm"}),
    ],
)
def test_the_encoder_is_asked_for_only_where_demonstrations_need_it(
    make_plan, task_file, method, kinds
):
    asked = set()
    make_plan(
        identity=lambda _, kind: asked.add(kind) or "x", task=[str(task_file())], method=[method]
    )
    assert asked == kinds


def test_each_model_and_each_prompt_has_its_own_cells(plan, task_file, prompt_file):
    cells = plan(
        task=[str(task_file())],
        method=["zero_shot", "label_embedding"],
        model=["causal_lm:org/a", "causal_lm:org/b", "causal_lm:org/a"],
        prompt=["intent_v1", str(prompt_file())],
    ).cells
    assert [(cell.row.method, cell.row.model, cell.row.prompt) for cell in cells] == [
        ("zero_shot", "org/a", "intent_v1"),
        ("zero_shot", "org/a", "own_v1"),
        ("zero_shot", "org/b", "intent_v1"),
        ("zero_shot", "org/b", "own_v1"),
        ("label_embedding", DEFAULTS["encoder"], ""),
    ]
    assert len({cell.row.identity for cell in cells}) == 5


def test_models_of_one_folder_name_are_told_apart(plan, task_file, tiny_encoder_folder, tmp_path):
    for place in ("x", "y"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "enc").symlink_to(tiny_encoder_folder)
    cells = plan(
        task=[str(task_file())],
        method=["prototypes"],
        model=[f"encoder:{tmp_path / place / 'enc'}" for place in ("x", "y")],
        draws=1,
    ).cells
    assert len({cell.row.group for cell in cells}) == 2


def test_a_folder_is_called_by_its_name(plan, task_file, tiny_encoder_folder, monkeypatch):
    for spec in (f"{tiny_encoder_folder}", f"{tiny_encoder_folder}/"):
        asked = {"task": [str(task_file())], "method": ["prototypes"], "draws": 1}
        assert plan(model=[f"encoder:{spec}"], **asked).cells[0].row.model == "whole"
    monkeypatch.setenv("HOME", str(tiny_encoder_folder.parent))
    assert plan(model=["encoder:~/whole"], **asked).cells[0].row.model == "whole"


def test_a_method_may_have_budgets_and_draws_of_its_own(plan, task_file):
    cells = plan(
        task=[str(task_file())],
        method=["majority", {"use": "tfidf", "labels": "1/class,all", "draws": 2}],
        labels=["2/class"],
        draws=3,
    ).cells
    counts = Counter((cell.row.method, cell.row.labels) for cell in cells)
    assert counts == {("majority", "2/class"): 3, ("tfidf", "1/class"): 2, ("tfidf", "all"): 1}


def test_listed_rows_are_a_budget(plan, task_file, tmp_path):
    rows = tmp_path / "rows.json"
    rows.write_text("[[0, 1, 2], [3, 1]]")
    cells = plan(
        task=[str(task_file())], method=["few_shot", "tfidf"], labels=[f"rows:{rows}"], draws=3
    ).cells
    assert [[example.row for example in cell.train] for cell in cells] == [[0, 1, 2], [3, 1]] * 2


def test_draws_are_the_same_for_every_method_and_differ_from_each_other(plan, task_file):
    cells = plan(task=[str(task_file())], labels=["2/class"], draws=3).cells
    trains = {}
    for cell in cells:
        if "labels" in cell.method.entry.uses:
            trains.setdefault(cell.row.draw, set()).add(tuple(row.row for row in cell.train))
    assert [len(found) for found in trains.values()] == [1, 1, 1]
    assert len(set.union(*trains.values())) == 3


def test_another_seed_gives_other_draws_and_another_sample(plan, task_file):
    def rows(seed):
        made = plan(task=[str(task_file())], method=["majority"], limit=3, draws=1, seed=seed)
        return [row.row for row in made.cells[0].train], [row.row for row in made.tasks[0].test]

    assert rows(0) == rows(0)
    assert rows(0)[0] != rows(1)[0]
    assert any(rows(0)[1] != rows(seed)[1] for seed in (1, 2, 3))


def test_the_limit_samples_the_test_rows(plan, task_file):
    path = str(task_file())
    assert len(plan(task=[path], method=["majority"]).tasks[0].test) == 8
    rows = [row.row for row in plan(task=[path], method=["majority"], limit=3).tasks[0].test]
    assert len(rows) == 3
    assert rows == sorted(rows)
    assert len(plan(task=[path], method=["majority"], limit=100).tasks[0].test) == 8


def test_cells_that_come_to_the_same_are_computed_once(plan, task_file):
    made = plan(
        task=[str(task_file())],
        method=["tfidf", "majority", "tfidf", "tfidf:C=1", "tfidf:C=1.0"],
        labels=["all", "6/class"],
        draws=1,
    )
    distinct = [(cell.row.method, cell.row.settings, cell.row.labels) for cell in made.distinct()]
    assert distinct == [
        ("tfidf", "", "all"),
        ("tfidf", "", "6/class"),
        ("majority", "", "all"),
        ("majority", "", "6/class"),
        ("tfidf", "C=1.0", "all"),
        ("tfidf", "C=1.0", "6/class"),
    ]


def test_a_class_with_too_few_rows_is_noted(plan, task_file):
    path = str(task_file(train=["s,b,a", "s,b1,a", "s,b2,a", "t,b,b"]))
    asked = {"task": [path], "method": ["majority"], "draws": 1}
    (cell,) = plan(labels=["3/class"], **asked).cells
    assert cell.row.notes == ("1 of 2 labels have fewer than 3 training rows (fewest: 1)",)
    assert cell.row.train_rows == 4
    assert plan(labels=["1/class"], **asked).cells[0].row.notes == ()
    assert plan(labels=["all"], **asked).cells[0].row.notes == ()
    assert plan(labels=["1"], **asked).cells[0].row.notes == ("1 of 2 labels have no training row",)


def test_what_calibration_a_reader_should_know_of_is_noted(plan, task_file):
    path = str(task_file())

    def notes(*methods, task=path):
        cells = plan(task=[task], method=list(methods), labels=["1/class"], draws=1).cells
        return [cell.row.notes for cell in cells]

    transductive = ("transductive: calibrated on the test inputs",)
    assert notes("zero_shot:calibration=batch", "few_shot:calibration=batch") == [transductive] * 2
    assert notes("zero_shot", "few_shot:calibration=chosen", "tfidf") == [()] * 3
    # All there is to learn from is in the test set, too.
    same = ["s,b,a", "t,c,b"]
    bare = str(task_file("bare", train=same, test=same))
    assert notes("zero_shot", "zero_shot:calibration=none", task=bare) == [
        ("no unlabelled texts: calibrated on texts without content",),
        (),
    ]


def test_chat_is_a_setting_of_every_method_that_prompts(plan, task_file):
    def settings(**asked):
        methods = ["zero_shot", "few_shot:k=2", "few_shot:chat=false", "zero_shot:chat=true",
                   "few_shot:k=3,chat=True", "tfidf", "prototypes"]  # fmt: skip
        cells = plan(task=[str(task_file())], method=methods, draws=1, **asked).cells
        return [cell.row.settings for cell in cells]

    assert settings(chat=True) == [
        "chat=True", "chat=True,k=2", "", "chat=True", "chat=True,k=3", "", "",
    ]  # fmt: skip
    assert settings() == ["", "k=2", "", "chat=True", "chat=True,k=3", "", ""]


def test_chat_is_part_of_identity(plan, task_file):
    asked = {"task": [str(task_file())], "method": ["zero_shot", "tfidf"], "draws": 1}
    plain, chat = plan(**asked).cells, plan(chat=True, **asked).cells
    assert plain[0].row.identity != chat[0].row.identity
    assert plain[1].row.identity == chat[1].row.identity
    assert plan(**asked | {"method": ["zero_shot:chat=true"]}).cells[0].record == chat[0].record


def test_the_row_of_a_task(plan, task_file):
    path = task_file(
        train=["s,b,a", "s,b1,a", "t,b,b"],
        test=["x,y,a", "x,z,a", "x,w,b", "q,q,none"],
        out_of_scope="none",
        metrics=["accuracy", "f1"],
        version="3",
    )
    row = plan(task=[str(path)], method=["majority"], labels=["all"]).tasks[0].row()
    assert (row.name, row.version, row.kind) == ("mails", "3", "single_label")
    assert (row.labels, row.out_of_scope, row.test_rows) == (("a", "b"), "none", 4)
    assert row.metrics == ("accuracy", "f1")
    assert row.majority == pytest.approx(2 / 3)
    assert "train.csv" in row.source


def test_what_no_method_can_do_is_refused(refusal, task_file, foreign_method):
    error = refusal(task=[str(task_file())], method=["majority", "pairs"])
    assert "pairs cannot do the task 'mails', whose kind is single_label" in str(error)
    assert "tfidf" in error.expected
    assert "pairs" not in error.expected


def test_a_method_that_does_not_fit_is_not_among_the_default_ones(plan, task_file, foreign_method):
    assert "pairs" not in {cell.row.method for cell in plan(task=[str(task_file())], draws=1).cells}


def test_an_unknown_metric(refusal, task_file):
    path = task_file(metrics=["accuracy", "acuracy"])
    error = refusal(task=[str(path)])
    assert "no metric named 'acuracy'" in str(error)
    assert "did you mean 'accuracy'?" in str(error)
    assert error.where.startswith(f"{path}:")
    assert error.where.endswith(": metrics")


def test_a_prompt_that_uses_what_the_task_does_not_have(refusal, task_file, prompt_file):
    prompt = prompt_file(input="{{ subjekt }}: {{ body }}")
    error = refusal(task=[str(task_file())], prompt=[str(prompt)])
    assert error.where.startswith(f"{prompt}:")
    assert error.found == "subjekt"
    assert "did you mean 'subject'?" in str(error)


def test_a_prompt_is_checked_for_methods_that_use_one_alone(plan, task_file, prompt_file):
    prompt = prompt_file(input="{{ nothing }}")
    plan(task=[str(task_file())], prompt=[str(prompt)], method=["majority"])


def test_a_prompt_for_another_kind(refusal, task_file, prompt_file):
    error = refusal(task=[str(task_file())], prompt=[str(prompt_file(kinds=["text_pair"]))])
    assert "does not fit the task 'mails'" in str(error)
    assert error.expected == "one for single_label"


def test_a_task_without_a_prompt(refusal, plan, task_file):
    path = task_file(prompt=None)
    error = refusal(task=[str(path)])
    assert "names no prompt" in str(error)
    assert error.where.startswith(str(path))
    assert plan(task=[str(path)], prompt=["intent_v1"], method=["zero_shot"]).cells
    assert plan(task=[str(path)], method=["tfidf"]).cells


@pytest.mark.parametrize("budget", ["0", "00", "8/class,0"])
def test_a_method_that_learns_is_given_labels(refusal, plan, task_file, budget):
    path = str(task_file())
    error = refusal(task=[path], method=["zero_shot", "majority"], labels=[budget])
    assert "majority learns from labels" in str(error)
    assert plan(task=[path], method=["zero_shot"], labels=[budget]).cells[0].row.labels == "0"


def test_a_budget_larger_than_the_pool(refusal, task_file):
    error = refusal(task=[str(task_file())], method=["zero_shot", "tfidf"], labels=["13"])
    assert "larger than the training pool" in str(error)
    assert "at most 12" in str(error)


def test_listed_rows_that_are_not_there(refusal, task_file, tmp_path):
    (tmp_path / "rows.json").write_text("[[0, 99]]")
    asked = {"task": [str(task_file())], "method": ["tfidf"]}
    assert "99" in str(refusal(labels=[f"rows:{tmp_path / 'rows.json'}"], **asked))


def test_missing_data_and_where_to_put_them(refusal, task_file, tmp_path):
    path = task_file()
    (path.parent / "test.csv").unlink()
    error = str(refusal(task=[str(path)], method=["majority"]))
    assert "test.csv" in error
    assert "--data-dir" in error


def test_data_are_looked_up_in_the_data_folder_first(plan, task_file, tmp_path):
    path = task_file()
    other = tmp_path / "elsewhere"
    other.mkdir()
    for name in ("train.csv", "test.csv"):
        (path.parent / name).rename(other / name)
    made = plan(task=[str(path)], method=["majority"], data_dir=str(other))
    assert made.tasks[0].row().test_rows == 8


def test_names_that_tables_could_not_tell_apart(refusal, plan, task_file, prompt_file, tmp_path):
    here, there = task_file("mails"), tmp_path / "other" / "mails"
    there.parent.mkdir()
    there.symlink_to(here.parent)
    error = refusal(task=[str(here), str(there)])
    assert "two tasks have the same name" in str(error)
    copy = tmp_path / "intent_v1.yaml"
    copy.write_bytes(prompt_file().read_bytes())
    error = refusal(task=[str(here)], prompt=["intent_v1", str(copy)])
    assert "two prompts have the same name" in str(error)
    assert len(plan(task=[str(here)] * 2, method=["majority"], draws=1).cells) == 1


def test_a_shadowed_name_warns_once(plan, task_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = task_file("customer_emails")
    assert path.parent.parent == tmp_path / "tasks"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = plan(task=["customer_emails"], method=["majority"], draws=1)
    assert [warning.category.__name__ for warning in caught] == ["ShadowWarning"]
    assert made.tasks[0].row().test_rows == 8


def test_several_shipped_tasks(refusal):
    # Banking77's data are not here: that is found before any model is touched.
    assert "banking77" in str(refusal(task=TWO_TASKS))


def test_a_record_is_json(plan, task_file):
    for cell in plan(task=[str(task_file())], draws=1).cells:
        assert json.loads(json.dumps(cell.record)) == cell.record
