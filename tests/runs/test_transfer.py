"""From a task with two domains to the rows of its table, told apart by the label budget."""

import json
from collections import Counter

import pytest

from harness.core.errors import UserError

BUDGETS = ["source,source+2/class,2/class,source+all,all"]
DOMAIN = {"column": "shop", "source": "books", "target": "bikes"}


def lines_of(shop, count, start=0):
    return [
        f"{shop} {label} {number},{label},{shop}"
        for number in range(start, start + count)
        for label in "ab"
    ]


@pytest.fixture
def transfer(tmp_path):
    """Writes a task with six source rows a label, four target rows and three test rows."""

    def transfer(name="transfer", **changes):
        folder = tmp_path / "tasks" / name
        folder.mkdir(parents=True, exist_ok=True)
        train = [*lines_of("books", 6), *lines_of("bikes", 4)]
        test = [*lines_of("books", 2, 20), *lines_of("bikes", 3, 20)]
        for split, rows in (("train", train), ("test", test)):
            (folder / f"{split}.csv").write_text("\n".join(["text,label,shop", *rows]) + "\n")
        source = {
            "files": {"train": "train.csv", "test": "test.csv"},
            "fields": {"text": "text"},
            "label": "label",
            "domain": DOMAIN,
        } | changes
        content = {
            "version": "1",
            "kind": "single_label",
            "data": [{key: value for key, value in source.items() if value is not None}],
            "labels": ["a", "b"],
            "prompt": "intent_v1",
        }
        path = folder / "task.yaml"
        path.write_text(json.dumps(content, indent=1))
        return path

    return transfer


def planned(plan, path, *methods, **more):
    return plan(*methods, task=[str(path)], **{"labels": BUDGETS} | more).cells


def test_the_rows_of_the_table_are_label_budgets(plan, transfer):
    cells = planned(plan, transfer(), "prototypes", "zero_shot", draws=2)
    counts = Counter((cell.row.method, cell.row.labels) for cell in cells)
    assert counts == {
        ("prototypes", "source"): 1,
        ("prototypes", "source+2/class"): 2,
        ("prototypes", "2/class"): 2,
        ("prototypes", "source+all"): 1,
        ("prototypes", "all"): 1,
        ("zero_shot", "0"): 1,
    }
    sizes = {cell.row.labels: cell.row.train_rows for cell in cells}
    assert sizes == {
        "source": 12, "source+2/class": 16, "2/class": 4, "source+all": 20, "all": 8, "0": 0,
    }  # fmt: skip
    assert len({cell.row.identity for cell in cells}) == len(cells)
    assert {len(cell.planned.test) for cell in cells} == {6}


def test_the_source_rows_come_before_those_drawn_without_them(plan, transfer):
    trains = {
        (cell.row.labels, cell.row.draw): cell.train
        for cell in planned(plan, transfer(), "prototypes", draws=2)
    }
    for draw in (0, 1):
        beside = trains["source+2/class", draw]
        assert beside == trains["source", 0] + trains["2/class", draw]
    assert trains["2/class", 0] != trains["2/class", 1]
    assert all("books" in row.fields["text"] for row in trains["source", 0])
    assert all("bikes" in row.fields["text"] for row in trains["all", 0])


def test_a_method_with_a_seed_has_as_many_draws_of_the_source_as_asked(plan, transfer):
    cells = planned(plan, transfer(), "fine_tune", labels=["source,source+all"], draws=3)
    assert Counter(cell.row.labels for cell in cells) == {"source": 3, "source+all": 3}
    assert len({cell.seed for cell in cells}) == 3


def test_identities_follow_from_the_rows_alone(plan, transfer):
    def identities(**changes):
        cells = planned(plan, transfer(**changes), "prototypes", draws=1)
        return {cell.row.labels: cell.row.identity for cell in cells}

    known = identities()
    assert identities() == known
    other = identities(domain=DOMAIN | {"source": "bikes", "target": "books"})
    assert not set(other.values()) & set(known.values())
    # The target's own rows are the same cells whether or not a source domain is named.
    path = transfer()
    folder = path.parent
    for name in ("train", "test"):
        rows = (folder / f"{name}.csv").read_text().split("\n")
        (folder / f"{name}_source.csv").write_text("\n".join([rows[0], *rows[1:13], ""]))
        kept = [rows[0], *(row for row in rows[1:] if row.endswith("bikes")), ""]
        (folder / f"{name}_target.csv").write_text("\n".join(kept))
    own = {"train": "train_target.csv", "test": "test_target.csv"}

    def of_files(files):
        content = json.loads(path.read_text())
        del content["data"][0]["domain"]
        content["data"][0]["files"] = files
        (folder / "own.yaml").write_text(json.dumps(content))
        labels = BUDGETS if "source" in files else ["2/class,all"]
        cells = planned(plan, folder / "own.yaml", "prototypes", draws=1, labels=labels)
        return {cell.row.labels: cell.row.identity for cell in cells}

    with_source, without = of_files(own | {"source": "train_source.csv"}), of_files(own)
    assert {key: with_source[key] for key in without} == without
    assert len(set(with_source.values())) == 5


def test_labels_with_too_few_target_rows_are_noted(plan, transfer):
    cells = planned(plan, transfer(), "prototypes", labels=["source+5/class,5/class"], draws=1)
    assert [cell.row.notes for cell in cells] == [
        ("2 of 2 labels have fewer than 5 target rows (fewest: 4)",),
        ("2 of 2 labels have fewer than 5 training rows (fewest: 4)",),
    ]


@pytest.mark.parametrize("text", ["source", "source+2/class"])
def test_a_task_without_a_source_domain(plan, task_file, transfer, text):
    with pytest.raises(UserError) as caught:
        plan("prototypes", task=[str(transfer()), str(task_file())], labels=[text])
    message = str(caught.value)
    assert message.startswith("--labels: the task 'mails' has no source domain")
    assert text in message
    assert "`domain:`" in message
    plan("zero_shot", task=[str(task_file())], labels=[text])


def test_from_the_yaml_to_the_table(run, transfer, unmeasured, cell_bytes):
    asked = {"task": [str(transfer())], "labels": BUDGETS, "draws": 2}
    outcome, folder = run("prototypes", **asked)
    assert not outcome.failures
    table = unmeasured(folder)
    assert [(row["labels"], row["draws"], row["test_rows"]) for row in table] == [
        ("source", "1", "6"),
        ("source+2/class", "2", "6"),
        ("2/class", "2", "6"),
        ("source+all", "1", "6"),
        ("all", "1", "6"),
    ]
    again, other = run("prototypes", folder="again", cache="other", **asked)
    assert again.computed == outcome.computed == 7
    assert unmeasured(other) == table
    assert cell_bytes(other) == cell_bytes(folder)


def test_rows_of_one_number_in_two_files_are_told_apart(run, transfer):
    """Both files number their rows from 0; the labelled rows that calibrate are the right ones."""
    path = transfer()
    folder = path.parent
    (folder / "source.csv").write_text("\n".join(["text,label,shop", *lines_of("books", 6)]))
    flipped = [line.replace(",a,", ",x,").replace(",b,", ",a,").replace(",x,", ",b,")
               for line in lines_of("bikes", 4)]  # fmt: skip
    (folder / "train.csv").write_text("\n".join(["text,label,shop", *flipped]))
    content = json.loads(path.read_text())
    del content["data"][0]["domain"]
    content["data"][0]["files"]["source"] = "source.csv"
    path.write_text(json.dumps(content))
    from harness.methods import few_shot

    chosen = []
    original = few_shot.FewShot._not_shown
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            few_shot.FewShot,
            "_not_shown",
            lambda self, *given: chosen.extend(original(self, *given)) or chosen[:],
        )
        outcome, _ = run(
            "few_shot:k=2,calibration=chosen", task=[str(path)], labels=["source+all"], draws=1
        )
    assert not outcome.failures
    assert len({(row.row, row.fields["text"]) for row in chosen}) == len(chosen) >= 12
    right = {line.split(",")[0]: line.split(",")[1] for line in [*lines_of("books", 6), *flipped]}
    assert all(row.target == right[row.fields["text"]] for row in chosen)
