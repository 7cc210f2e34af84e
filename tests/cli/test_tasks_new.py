"""``harness tasks new``: what it says, asks and refuses; and the pages that show it."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from harness.tasks.task import load_task

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "five_minutes.md"
LABELS = ("billing", "refund", "other")


@pytest.fixture
def mails(here):
    """A file of mails in the current folder: ``mails.csv``."""
    rows = [[f"I wrote about number {n} and nobody answers", LABELS[n % 3]] for n in range(48)]
    with Path("mails.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", "label"], *rows])
    return "mails.csv"


@pytest.fixture
def doubtful(here):
    """A file with two columns that may be the label: ``doubtful.csv``."""
    rows = [f"I wrote about number {n},{'ab'[n % 2]},{'xyz'[n % 3]}" for n in range(24)]
    Path("doubtful.csv").write_text("\n".join(["text,category,intent", *rows, ""]))
    return "doubtful.csv"


def commands_in(text):
    return [line.strip() for line in text.splitlines() if line.startswith("  harness ")]


def test_what_is_printed_and_that_the_next_commands_work(printed, mails):
    shown = printed("tasks", "new", mails)
    assert "kind:    single_label\n" in shown
    assert "text:    text\n" in shown
    assert "label:   label, 3 of them: billing, other, refund\n" in shown
    assert "rows:    36 to train on, 12 to test on\n" in shown
    assert "wrote:   mails.yaml\n" in shown
    assert "note:    the label 'other' sounds like none of the others" in shown
    check, run, export = commands_in(shown)
    assert check == "harness tasks check mails.yaml"
    assert "0 errors" in printed(*shlex.split(check)[1:])
    assert run.startswith("harness run --task mails.yaml --method tfidf --method ")
    assert run.endswith(" --labels 8/class,all")
    assert export == "harness export results/mails --output table.csv"


def test_flags_decide(printed, mails, here):
    printed("tasks", "new", mails, "--text", "text", "--label", "label", "--kind", "single_label",
            "--test", "10", "--out-of-scope", "other", "--name", "inbox", "--yes")  # fmt: skip
    task = load_task(here / "inbox.yaml")
    assert (task.name, task.out_of_scope, len(task.test)) == ("inbox", "other", 10)
    printed("tasks", "new", mails, "--out", "box.yaml")
    assert load_task(here / "box.yaml").name == "box"
    Path("crate").mkdir()
    Path(mails).rename("crate/task.csv")
    printed("tasks", "new", "crate/task.csv", "--out", "crate/task.yaml", "--name", "crate")
    assert load_task(here / "crate" / "task.yaml").name == "crate"
    assert "wrote:   crate/crate.yaml\n" in printed("tasks", "new", "crate/task.csv")


def test_a_file_of_test_rows_and_another_place(printed, mails, here):
    Path("data").mkdir()
    Path(mails).rename("data/train.csv")
    Path("data/test.csv").write_bytes(Path("data/train.csv").read_bytes())
    shown = printed("tasks", "new", "data/train.csv", "--test", "data/test.csv")
    assert "wrote:   data/data.yaml\n" in shown  # train.csv is no name: its folder gives it
    shown = printed(
        "tasks", "new", "data/train.csv", "--out", "tasks", "--name", "inbox", "--data-dir", "data"
    )
    check, run, _ = commands_in(shown)
    assert check == "harness tasks check tasks/inbox.yaml --data-dir data"
    assert run.endswith(" --data-dir data")
    assert "0 errors" in printed(*shlex.split(check)[1:])
    assert "inbox" in printed("tasks", "show", "inbox", "--data-dir", "data")


def test_unclear_without_a_terminal(refused, doubtful, printed, here):
    message = refused("tasks", "new", doubtful)
    assert "error: Which column is the label? This is not clear" in message
    assert "--label category" in message
    assert "--label intent" in message
    assert [path.name for path in here.iterdir()] == [doubtful]
    assert "label:   category, 2 of them" in printed("tasks", "new", doubtful, "--yes")


def test_unclear_at_a_terminal(monkeypatch, doubtful, here):
    from click.testing import CliRunner

    from harness.cli.main import main

    monkeypatch.setattr("harness.cli.new_task._at_a_terminal", lambda: True)
    result = CliRunner().invoke(main, ["tasks", "new", doubtful], input="2\n")
    assert result.exit_code == 0, result.output
    assert "Which column is the label?\n  1  category  (2 different values" in result.output
    assert load_task(here / "doubtful.yaml").labels[0].name == "x"


def test_a_misspelt_column(refused, mails):
    message = refused("tasks", "new", mails, "--label", "lable")
    assert "--label: there is no such column" in message
    assert "did you mean 'label'?" in message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--test", "1.5"], "--test: wrong value"),
        (["--test", "tset.csv"], "tset.csv: there is no such file"),
        (["--test", "x.jsonl"], "both files must have one format"),
        (["--config", "x"], "this flag goes with the Hugging Face hub only"),
        (["--name", "a/b"], "--name: this cannot be the name of a task"),
        (["--name", "a", "--out", "b.yaml"], "the name differs from the file's"),
        (["--name", "a", "--out", "b/task.yaml"], "expected: b"),
        (["--kind", "singel"], "there is no task kind named 'singel'"),
    ],
)
def test_flags_that_are_wrong(refused, mails, flags, message):
    assert message in refused("tasks", "new", mails, *flags)


def test_nothing_is_overwritten(refused, printed, mails):
    printed("tasks", "new", mails)
    before = Path("mails.yaml").read_bytes()
    assert "mails.yaml: this file is there already" in refused("tasks", "new", mails)
    assert Path("mails.yaml").read_bytes() == before


def test_nothing_that_a_terminal_acts_on_is_printed(harness, here):
    rows = [f"mail number {n} is here,{'ab'[n % 2]}\x1b[2J" for n in range(24)]
    Path("m.csv").write_text("\n".join(["text,label", *rows, ""]))
    result = harness("tasks", "new", "m.csv")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert load_task(here / "m.yaml").labels[0].name == "a\x1b[2J"


def test_a_spreadsheet(printed, here):
    book = openpyxl.Workbook()
    for row in [["Subject", "Body", "Stars"], *(
        [f"no {n}", f"I wrote about number {n} again", 1 + n % 5] for n in range(40)
    )]:  # fmt: skip
        book.active.append(row)
    book.save("reviews.xlsx")
    assert "kind:    ordinal\ntext:    Subject (as subject), Body (as body)\n" in printed(
        "tasks", "new", "reviews.xlsx"
    )
    task = load_task(here / "reviews.yaml")
    assert [label.name for label in task.labels] == ["1", "2", "3", "4", "5"]


class Column(list):
    names = ("greet", "leave")


class FakeData:
    """Stands in for a split as `datasets` gives it."""

    def __init__(self, labels):
        self.columns = {
            "sentence": [f"mail number {n} is here" for n in range(len(labels))], "label": labels,
        }  # fmt: skip
        self.column_names = list(self.columns)
        self.features = {"sentence": None, "label": Column()}

    def __getitem__(self, name):
        return self.columns[name]


def test_a_data_set_of_the_hub(monkeypatch, printed, here):
    datasets = pytest.importorskip("datasets")
    from harness.core import pins

    content = {
        "train": FakeData([0, 1] * 10), "validation": FakeData([1, 0] * 5),
        "test": FakeData([-1] * 6),
    }  # fmt: skip

    def load(name, config, **options):
        assert (name, config, options["revision"]) == ("hf://datasets/me/toy", "plus", "a" * 40)
        return content[options["split"]] if options["split"] else content

    monkeypatch.setattr(datasets, "load_dataset", load)
    pins.record("dataset me/toy@main", "a" * 40)
    shown = printed("tasks", "new", "me/toy", "--config", "plus")
    assert "wrote:   tasks/toy.yaml" in shown
    assert "note:    the labels of the split 'test' are kept secret: it is left out" in shown
    task = load_task(here / "tasks" / "toy.yaml")
    assert [label.name for label in task.labels] == ["greet", "leave"]
    assert (len(task.train), len(task.test), task.train[0].target) == (20, 10, "greet")


def test_a_data_set_that_cannot_be_reached(refused):
    message = refused("tasks", "new", "me/toy")
    assert "me/toy: this data set cannot be reached" in message
    assert "a file on this machine is named by its path" in message
    assert "me/toy.csv: there is no such file" in refused("tasks", "new", "me/toy.csv")


def blocks(page):
    """The code blocks of a page, by language."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def typed(page):
    """The commands that a page's transcripts show, continued lines joined."""
    for language, text in blocks(page):
        if language == "console":
            lines = text.replace("\\\n", " ").splitlines()
            yield from (line[2:] for line in lines if line.startswith("$ "))


def test_the_page_takes_four_commands():
    commands = list(typed(PAGE.read_text("utf-8")))
    assert [command.split()[:3] for command in commands] == [
        ["harness", "tasks", "new"],
        ["harness", "tasks", "check"],
        ["harness", "run", "--task"],
        ["harness", "export", "results/sofmattress"],
    ]


@pytest.mark.slow
def test_from_a_spreadsheet_to_the_table(shared, here, default_models, environment, tmp_path):
    """Runs the commands of ``docs/five_minutes.md``, as a shell would, on what it begins with."""
    with (shared / "data/hint3_sofmattress/train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save("sofmattress.xlsx")
    models = default_models("encoder").folder.parent
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / models.name).symlink_to(models)
    page = PAGE.read_text("utf-8")
    said = []
    for command in typed(page):
        arguments = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, (command, done.stderr)
        said.append(done.stdout)
    for line in filter(str.strip, said[0].splitlines()):
        assert line in page
    assert "0 errors" in said[1]
    written = [label.name for label in load_task(here / "sofmattress.yaml").labels]
    assert written == sorted({row[1] for row in rows[1:]})
    with (here / "table.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {row["method"] for row in table} == {"tfidf", "prototypes", "linear_probe"}
    assert all(float(row["accuracy"]) > 0.3 for row in table)
