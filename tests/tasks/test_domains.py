"""Tasks that transfer from one domain to another: by a column, or with a file of its own."""

import json

import pytest

from harness.cli.task_view import task_lines
from harness.core.errors import UserError
from harness.tasks.check import check_task
from harness.tasks.task import load_task

DOMAIN = {"column": "shop", "source": "books", "target": "bikes"}


def rows_of(shop, count, start=0):
    return [
        {"text": f"{shop} {number}", "label": "ab"[number % 2], "shop": shop}
        for number in range(start, start + count)
    ]


TRAIN = [*rows_of("books", 6), *rows_of("bikes", 4)]
TEST = [*rows_of("books", 3, 20), *rows_of("bikes", 2, 20)]


@pytest.fixture
def refused(made):
    """Loads what is wrong; gives what is said."""

    def refused(*arguments, **more):
        with pytest.raises(UserError) as caught:
            load_task(made(*arguments, **more))
        return str(caught.value)

    return refused


def texts(rows):
    return [row.fields["text"] for row in rows]


def test_by_column_the_source_gives_its_train_rows_alone(made):
    unlabelled = [*rows_of("books", 2, 30), *rows_of("bikes", 3, 30)]
    files = {"train": TRAIN, "test": TEST, "validation": TEST[::-1], "unlabelled": unlabelled}
    task = load_task(made(files, {"domain": DOMAIN}))
    assert [row.row for row in task.source_rows] == [0, 1, 2, 3, 4, 5]
    assert [row.row for row in task.train] == [6, 7, 8, 9], "numbers are places in the file"
    assert texts(task.test) == ["bikes 20", "bikes 21"]
    assert texts(task.validation) == ["bikes 21", "bikes 20"]
    assert texts(task.unlabelled_texts()) == ["bikes 30", "bikes 31", "bikes 32"]
    assert [row.target for row in task.source_rows] == ["a", "b"] * 3
    assert task.source.keys() == files.keys()


def test_without_unlabelled_rows_there_are_the_targets_train_rows(made):
    task = load_task(made({"train": TRAIN, "test": TEST}, {"domain": DOMAIN}))
    assert texts(task.unlabelled_texts()) == [f"bikes {n}" for n in range(4)]


def test_by_column_test_rows_are_drawn_from_the_targets(made):
    rows = [
        row for pair in zip(rows_of("books", 12), rows_of("bikes", 12), strict=True) for row in pair
    ]
    path = made({"all": rows}, {"domain": DOMAIN}, splits={"test": 0.25})
    task = load_task(path)
    assert texts(task.source_rows) == [f"books {n}" for n in range(12)]
    assert len(task.test) == 3
    assert sorted(texts(task.train + task.test)) == sorted(f"bikes {n}" for n in range(12))
    alone = load_task(made({"all": rows[1::2]}, {}, splits={"test": 0.25}))
    assert texts(alone.test) == texts(task.test), "source rows do not move the split"


@pytest.mark.parametrize("key", ["group", "time"])
def test_groups_and_times_of_the_target_decide(made, key):
    rows = [row | {"by": str(place % 4)} for place, row in enumerate(rows_of("bikes", 12))]
    source = [row | {"by": "9"} for row in rows_of("books", 4)]
    files = {"all": [*source, *rows]}
    task = load_task(made(files, {"domain": DOMAIN, key: "by"}, splits={"test": 0.25}))
    assert {row.row % 4 for row in task.test} == ({3} if key == "time" else {task.test[0].row % 4})
    assert len(task.source_rows) == 4


def test_a_file_of_its_own(made):
    files = {"source": rows_of("books", 5), "train": rows_of("bikes", 4), "test": TEST[3:]}
    task = load_task(made(files))
    assert texts(task.source_rows) == [f"books {n}" for n in range(5)]
    assert [row.row for row in task.source_rows] == [0, 1, 2, 3, 4]
    assert (len(task.train), len(task.test)) == (4, 2)
    assert "source.jsonl" in task.source["source"]


def test_a_file_of_its_own_beside_all(made):
    target = [row | {"g": str(place // 2)} for place, row in enumerate(rows_of("bikes", 8))]
    files = {"source": rows_of("books", 5), "all": target}
    task = load_task(made(files, {"group": "g"}, splits={"test": 0.25}))
    assert len(task.source_rows) == 5, "the source's file needs no column of groups"
    assert len(task.train) + len(task.test) == 8


def test_both_forms_come_to_the_same_rows(made):
    column = load_task(made({"train": TRAIN, "test": TEST}, {"domain": DOMAIN}))
    own = load_task(made({"source": TRAIN[:6], "train": TRAIN[6:], "test": TEST[3:]}))
    assert texts(own.source_rows) == texts(column.source_rows)
    assert texts(own.train) == texts(column.train)


def test_the_source_is_part_of_the_hash_and_no_source_is_none(made):
    files = {"source": rows_of("books", 5), "train": rows_of("bikes", 4), "test": TEST[3:]}
    known = load_task(made(files)).data_hash
    assert load_task(made(files)).data_hash == known
    other = files | {"source": rows_of("books", 5)[::-1]}
    assert load_task(made(other)).data_hash != known
    del files["source"]
    without = load_task(made(files))
    assert without.data_hash != known
    assert without.source_rows == ()


def test_labels_are_those_of_both_domains(made):
    source = [*rows_of("books", 3), {"text": "x", "label": "c", "shop": "books"}]
    task = load_task(made({"source": source, "train": rows_of("bikes", 4), "test": TEST[3:]}))
    assert [label.name for label in task.labels] == ["a", "b", "c"]


def test_targets_of_the_source_are_checked(refused):
    source = [*rows_of("books", 3), {"text": "x", "label": "aa", "shop": "books"}]
    files = {"source": source, "train": rows_of("bikes", 4), "test": TEST[3:]}
    message = refused(files, labels=["a", "b"])
    assert "source.jsonl:4, column 'label': unknown label" in message
    assert "did you mean 'a'?" in message


def test_texts_of_test_rows_are_left_out_of_the_source(made):
    leak = [{"text": "BIKES  20!", "label": "a", "shop": "books"}]
    path = made({"train": [*leak, *TRAIN], "test": TEST}, {"domain": DOMAIN})
    task = load_task(path)
    assert "BIKES  20!" not in texts(task.source_rows)
    assert (len(task.source_rows), task.left_out.leaked) == (6, 1)
    said = [finding.message for finding in check_task(path)]
    assert any(line.startswith("source: 1 more rows have the text of a test row") for line in said)
    assert not any("test rows have a text that is in source too" in line for line in said)


def test_rows_of_neither_domain_are_left_out_and_counted(made):
    odd = [
        {"text": "", "label": "", "shop": "Books"},
        {"text": "x", "label": "a", "shop": "Books"},
        {"text": "y", "label": "zz", "shop": ""},
    ]
    path = made({"train": [*TRAIN, *odd], "test": TEST}, {"domain": DOMAIN})
    task = load_task(path)
    assert (len(task.source_rows), len(task.train)) == (6, 4)
    assert task.left_out.neither == {"Books": 2, "": 1}
    said = [(finding.severity, finding.message) for finding in check_task(path)]
    expected = "3 rows are of neither domain and are left out: 'Books', ''"
    assert ("warning", expected) in said


def test_source_rows_out_of_scope_are_left_out(made):
    train = [{"text": "moon", "label": "none", "shop": "books"}, *TRAIN]
    path = made({"train": train, "test": TEST}, {"domain": DOMAIN}, out_of_scope="none")
    task = load_task(path)
    assert (len(task.source_rows), task.left_out.out_of_scope) == (6, 1)
    assert task.out_of_scope_train == 0


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ({"source": "bokks"}, "data[0].domain.source: the split 'train' has no row of the source"),
        ({"source": "bokks"}, "did you mean 'books'?"),
        ({"source": "bokks"}, "'books' (6 rows), 'bikes' (4 rows)"),
        ({"target": "bike"}, "data[0].domain.target: the split 'test' has no row of the target"),
        ({"target": "bike"}, "did you mean 'bikes'?"),
        ({"target": "books"}, "data[0].domain.target: source and target are the same domain"),
        ({"column": "shp"}, "did you mean 'shop'?"),
        ({"colum": "shop"}, "data[0].domain.colum: unknown key"),
        ({"target": None}, "data[0].domain.target"),
    ],
)
def test_mistakes_in_a_domain(refused, domain, expected):
    files = {"train": TRAIN, "test": TEST}
    assert expected in refused(files, {"domain": DOMAIN | domain})


def test_no_test_row_of_the_target(refused):
    message = refused({"train": TRAIN, "test": TEST[:3]}, {"domain": DOMAIN})
    assert "the split 'test' has no row of the target domain" in message


def test_no_unlabelled_row_of_the_target(refused):
    files = {"train": TRAIN, "test": TEST, "unlabelled": rows_of("books", 2, 30)}
    message = refused(files, {"domain": DOMAIN})
    assert "the split 'unlabelled' has no row of the target domain" in message


def test_no_rows_to_take_the_source_from(refused):
    message = refused({"test": TEST}, {"domain": DOMAIN})
    assert "there are no rows to take the source domain from" in message


def test_a_source_that_is_wholly_left_out(refused):
    source = [{"text": "Bikes 20", "label": "a", "shop": "books"}]
    message = refused({"source": source, "train": rows_of("bikes", 4), "test": TEST[3:]})
    assert "no row of the source domain is left" in message


def test_a_domain_is_given_once(refused):
    files = {"source": rows_of("books", 5), "train": TRAIN, "test": TEST}
    message = refused(files, {"domain": DOMAIN})
    assert "data[0].domain: the source domain is given twice" in message


def test_all_may_stand_beside_source_alone(refused):
    files = {"source": TRAIN, "all": TRAIN, "test": TEST}
    message = refused(files, splits={"test": 0.25})
    assert "`all` alone, or with `source`" in message


def test_every_place_of_the_data_has_a_source_domain_or_none_has(made, refused):
    path = made({"train": TRAIN, "test": TEST}, {"domain": DOMAIN})
    content = json.loads(path.read_text())
    (first,) = content["data"]
    second = {key: value for key, value in first.items() if key != "domain"}
    message = refused({"train": TRAIN, "test": TEST}, data=[first, second])
    assert "data[1]: one source of the data has a source domain, another has none" in message


SETS = {"label": None, "labels": "label"}


def sets(*labels):
    return [{"text": f"text {place}", "label": row} for place, row in enumerate(labels)]


def test_labels_that_are_not_shared_are_dropped_where_a_task_says_so(made, refused):
    files = {
        "source": sets(["a", "pin"], ["pin"]),
        "train": sets(["b", "spa"], ["a"]),
        "test": [{"text": "t", "label": ["spa", "b", "a"]}],
    }
    more = {"kind": "multi_label", "labels": ["a", "b"]}
    assert "unknown label" in refused(files, SETS, **more)
    path = made(files, SETS, other_labels="drop", **more)
    task = load_task(path)
    assert [row.target for row in task.source_rows] == [("a",), ()]
    assert [row.target for row in task.train] == [("b",), ("a",)]
    assert task.test[0].target == ("a", "b")
    said = [finding.message for finding in check_task(path)]
    assert "2 labels of the data are not listed, and are taken off their rows: 'pin', 'spa'" in said
    assert "labels without rows of the source domain: 'b'" in said


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"other_labels": "drop"}, "other_labels: no label is other than those listed"),
        ({"other_labels": "dorp", "labels": ["a", "b"]}, "other_labels"),
    ],
)
def test_mistakes_in_other_labels(refused, more, expected):
    files = {"train": sets(["a"], ["b"]), "test": sets(["a"])}
    assert expected in refused(files, SETS, kind="multi_label", **more)


def test_the_source_is_shown_by_label(made):
    task = load_task(made({"train": TRAIN, "test": TEST}, {"domain": DOMAIN}))
    shown = "\n".join(task_lines(task, 1))
    assert "rows: 6 source, 4 train, 0 validation, 2 test, 0 unlabelled" in shown
    head = next(line for line in shown.split("\n") if line.startswith("label"))
    assert head.split() == ["label", "source", "train", "test"]
    row = next(line for line in shown.split("\n") if line.startswith("a "))
    assert row.replace("█", "").split() == ["a", "3", "2", "1"]
