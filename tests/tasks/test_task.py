import hashlib

import pytest

from harness.core.errors import DataError, UserError
from harness.core.types import Example, Label
from harness.tasks.task import load_task

FILES = "files: {train: train.csv, test: test.csv}"
LABELS = "labels: [greet, leave, pay]"


def message_of(path, **more):
    with pytest.raises(DataError) as caught:
        load_task(path, **more)
    return str(caught.value)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_task(toy, folder):
    task = load_task(toy())
    assert task.labels == (Label("greet", "greet"), Label("leave", "leave"), Label("pay", "pay"))
    assert [example.row for example in task.train] == [0, 1, 2, 4, 5]
    assert task.out_of_scope_train == 1
    assert task.train[2] == Example(2, {"text": "bye"}, "leave")
    assert [example.target for example in task.test] == ["greet", "leave", "none"]
    assert (task.prompt, task.licence, task.metrics) == ("intent_v1", "CC0-1.0", None)
    assert task.source["train"] == f"train.csv sha256:{sha256(folder / 'train.csv')}"


def test_text_joins_the_fields_that_say_something(toy, folder):
    (folder / "test.csv").write_text("body,subject,label\nb,s,pay\n ,s,pay\nb,,pay\n")
    task = load_task(
        toy([(FILES, "files: {test: test.csv}"), ("{text: text}", "{title: subject, body: body}")])
    )
    assert [task.text(example) for example in task.test] == ["s\nb", "s", "b"]
    assert list(task.test[0].fields) == ["title", "body"]
    assert task.train == ()


def test_the_hash_holds_everything_a_score_depends_on(toy, folder):
    def hash_of(*changes):
        return load_task(toy(changes)).data_hash

    known = hash_of()
    assert hash_of(("prompt: intent_v1", "prompt: other"), ("version: 1", "version: 2")) == known
    different = {
        hash_of(("[greet, leave,", "[leave, greet,")),
        hash_of(("[greet,", "[{name: greet, verbalizer: hi},")),
        hash_of(("[greet,", "[{name: greet, description: hi},")),
        hash_of(("{text: text}", "{body: text}")),
    }
    (folder / "test.csv").write_text((folder / "test.csv").read_text().replace("moon", "sun"))
    different.add(hash_of())
    assert len(different | {known}) == 6


def test_labels_found_in_train(toy):
    task = load_task(toy([(LABELS, "")]))
    assert [label.name for label in task.labels] == ["greet", "leave", "pay"]


@pytest.mark.parametrize("labels", ["a_b\nx,a b", "a"])
def test_labels_found_must_be_two_and_differ(toy, folder, labels):
    (folder / "train.csv").write_text(f"text,label\nx,{labels}\n")
    assert "list the labels in the task YAML" in message_of(toy([(LABELS, "")]))


def test_label_map(toy, folder):
    (folder / "test.csv").write_text("text,label\ngood day,0\nsee you,leave\n")
    task = load_task(toy([("label: label", "label: label\n    label_map: {0: greet}")]))
    assert [example.target for example in task.test] == ["greet", "leave"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text,label\na,pay\nb,lave\n", "test.csv:3, column 'label': unknown label"),
        ("text,label\na,pay\nb,lave\n", "did you mean 'leave'?"),
        ("text,label\na,pay\nb,\n", "test.csv:3, column 'label': this row has no label"),
        ("text,label\na,pay\n ,pay\n", "test.csv:3, column 'text': this row has no text"),
        ("text,label\n", "test.csv: there are no rows"),
        ("text,lable\na,pay\n", "test.csv:1: there is no column 'label'"),
    ],
)
def test_mistakes_in_the_data(toy, folder, content, expected):
    (folder / "test.csv").write_text(content)
    assert expected in message_of(toy())


def test_types(toy, folder):
    (folder / "test.csv").write_text("text,a,b,c,label\nx,3,0.5,True,pay\ny,-1,,0,pay\n")
    path = toy(
        [
            (FILES, "files: {test: test.csv}\n    types: {a: integer, b: number, c: boolean}"),
            ("{text: text}", "{text: text, a: a, b: b, c: c}"),
        ]
    )
    first, second = load_task(path).test
    assert first.fields == {"text": "x", "a": 3, "b": 0.5, "c": True}
    assert second.fields == {"text": "y", "a": -1, "b": None, "c": False}
    (folder / "test.csv").write_text("text,a,b,c,label\nx,3,nan,True,pay\n")
    assert "test.csv:2, column 'b': wrong value" in message_of(path)
    (folder / "test.csv").write_text("text,a,b,c,label\nx,3.0,,True,pay\n")
    assert "expected: a value of type integer" in message_of(path)


def test_unlabelled(toy, folder):
    task = load_task(toy())
    assert task.unlabelled_texts() == tuple(example.without_target() for example in task.train)
    (folder / "more.csv").write_text("text\nfoo\nbar\n")
    task = load_task(toy([("test: test.csv}", "test: test.csv, unlabelled: more.csv}")]))
    assert task.unlabelled_texts() == (Example(0, {"text": "foo"}), Example(1, {"text": "bar"}))


def test_unlabelled_texts_hold_no_test_text(toy, folder):
    (folder / "train.csv").write_text("text,label\nGood day!,greet\nbye,leave\n")
    path = toy()
    assert load_task(path).unlabelled_texts() == (Example(1, {"text": "bye"}),)
    (folder / "more.csv").write_text("text\nfoo\nSEE  you\nmoon.\n")
    task = load_task(toy([("test: test.csv}", "test: test.csv, unlabelled: more.csv}")]))
    assert task.unlabelled_texts() == (Example(0, {"text": "foo"}),)
    assert len(task.unlabelled) == 3


def test_the_data_folder_comes_first(toy, folder, monkeypatch):
    path = toy()
    data = folder / "data"
    data.mkdir()
    (data / "train.csv").write_text((folder / "train.csv").read_text())
    assert len(load_task(path, data_dir=data).test) == 3, "no test.csv there: beside the YAML"
    (data / "test.csv").write_text("text,label\nx,pay\n")
    assert len(load_task(path, data_dir=data).test) == 1
    monkeypatch.setenv("HARNESS_DATA", str(data))
    assert len(load_task(path).test) == 1
    with pytest.raises(UserError, match="--data-dir: there is no such folder"):
        load_task(path, data_dir=folder / "absent")


def test_sources_are_tried_in_order(toy, folder):
    path = toy([("data:\n", "data:\n  - {files: {test: a.csv}, fields: {text: t}, label: l}\n")])
    assert len(load_task(path).test) == 3
    (folder / "a.csv").write_text("t,l\nx,pay\n")
    assert len(load_task(path).test) == 1


def test_a_file_that_differs_is_an_error_even_where_another_source_would_do(toy, folder):
    first = (
        f"- {{files: {{test: a.csv}}, sha256: {{test: {'0' * 64}}}, fields: {{text: t}}, label: l}}"
    )
    path = toy([("data:\n", f"data:\n  {first}\n")])
    (folder / "a.csv").write_text("t,l\nx,pay\n")
    assert "its sha256 differs" in message_of(path)
    path.write_text(path.read_text().replace("0" * 64, sha256(folder / "a.csv")))
    assert len(load_task(path).test) == 1


def test_missing_data_say_what_was_tried(toy, folder):
    (folder / "test.csv").unlink()
    message = message_of(toy([("licence:", "homepage: https://example.org\nlicence:")]))
    for part in (
        "toy.yaml:4: data",
        "test.csv: no such file",
        "--data-dir",
        "HARNESS_DATA",
        "example.org",
    ):
        assert part in message


def test_a_link_out_of_the_folder_is_refused(toy, folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "test.csv"
    (folder / "test.csv").rename(outside)
    (folder / "test.csv").symlink_to(outside)
    with pytest.raises(UserError, match="leads out of its folder"):
        load_task(toy())


def test_splits_are_drawn(toy, folder):
    rows = "".join(f"text {i},{'greet' if i % 3 else 'pay'}\n" for i in range(60))
    (folder / "all.csv").write_text("text,label\n" + rows)
    path = toy([(FILES, "files: {all: all.csv}"), (LABELS, "splits: {test: 0.25}")])
    task = load_task(path)
    assert (len(task.train), len(task.test)) == (45, 15)
    assert sum(example.target == "pay" for example in task.test) == 5
    assert {example.row for example in task.train + task.test} == set(range(60))
    path = toy([(FILES, "files: {train: all.csv}"), (LABELS, "splits: {test: 6, seed: 1}")])
    assert len(load_task(path).test) == 6
    path = toy([(FILES, "files: {train: all.csv}")])
    assert "splits: {test: 0.25}" in message_of(path)


@pytest.mark.parametrize("seed", range(4))
def test_a_rare_label_does_not_break_a_drawn_split(toy, folder, seed):
    rows = "".join(f"text {i},{'greet' if i % 3 else 'pay'}\n" for i in range(12))
    rare = "".join(f"rare {i},rare_{i}\n" for i in range(4))
    (folder / "all.csv").write_text("text,label\n" + rows + rare + "text 0,last\n")
    path = toy(
        [(FILES, "files: {all: all.csv}"), (LABELS, f"splits: {{test: 0.25, seed: {seed}}}")]
    )
    task = load_task(path)
    names = {"greet", "last", "pay", *(f"rare_{i}" for i in range(4))}
    assert {label.name for label in task.labels} == names
    assert {example.target for example in task.train} == names
    assert task.test


@pytest.mark.parametrize("test", [".inf", ".nan", "inf", "nan", "1e400", "-.inf", "1.5"])
def test_a_share_that_is_none(toy, test):
    path = toy([(LABELS, f"splits: {{test: {test}}}")])
    with pytest.raises(UserError, match=r"toy\.yaml:8"):
        load_task(path)


def test_one_format_named(toy, folder):
    (folder / "test.csv").rename(folder / "test.txt")
    path = toy([(FILES, "files: {test: test.txt}\n    format: csv")])
    assert len(load_task(path).test) == 3


def test_settings_lie_over_the_yaml(toy, folder):
    (folder / "test.csv").write_text("text,label,class\nx,greet,pay\n")
    path = toy([(FILES, "files: {test: test.csv}")])
    assert load_task(path, overrides=["data.0.label=class"]).test[0].target == "pay"
    assert load_task(path, overrides=["prompt=", "licence=MIT"]).prompt is None
    with pytest.raises(UserError, match=r"--set data\[0\]\.lable: unknown key"):
        load_task(path, overrides=["data.0.lable=class"])
    with pytest.raises(UserError, match=r"--set splits\.test: wrong value"):
        load_task(path, overrides=["splits.test=1.5"])
    with pytest.raises(DataError, match=r"test\.csv:1: there is no column 'clas'"):
        load_task(path, overrides=["data.0.label=clas"])


def test_data_lie_beside_the_file_that_lists_them(toy, folder):
    base = folder / "base"
    base.mkdir()
    toy().rename(base / "toy.yaml")
    for name in ("train.csv", "test.csv"):
        (folder / name).rename(base / name)
    (folder / "mine.yaml").write_text("include: base/toy.yaml\nprompt: other_v1\n")
    task = load_task(folder / "mine.yaml")
    assert (task.name, task.prompt, len(task.test)) == ("mine", "other_v1", 3)
    (base / "test.csv").rename(folder / "test.csv")
    message = message_of(folder / "mine.yaml")
    assert f"{base / 'test.csv'}: no such file" in message
    assert "base/toy.yaml:4: data" in message


def test_a_task_that_includes_another_by_name(folder):
    (folder / "mine.yaml").write_text("include: customer_emails\nsplits:\nlabels: [a, b]\n")
    with pytest.raises(DataError, match="unknown label"):
        load_task(folder / "mine.yaml")
    (folder / "mine.yaml").write_text("include: customer_emails\nmetrics: [macro_f1]\n")
    task = load_task(folder / "mine.yaml")
    assert (task.name, task.metrics) == ("mine", ("macro_f1",))
    assert task.data_hash == load_task("customer_emails").data_hash
