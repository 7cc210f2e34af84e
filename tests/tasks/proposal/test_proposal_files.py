"""Splits, files that need a clean copy, labels that YAML could mistake, and what is never done."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import DataError, HarnessError, UserError
from harness.core.lookup import shipped
from harness.tasks.definition import read_definition
from harness.tasks.proposal.csv_text import read_csv, write_csv
from harness.tasks.proposal.draft import Wishes
from harness.tasks.proposal.labels import guess_words, verbalizers
from harness.tasks.proposal.propose import propose
from harness.tasks.proposal.questions import refuse
from harness.tasks.proposal.saving import save
from harness.tasks.proposal.tables import RawTable, read_file
from harness.tasks.task import load_task

LABELS = ["billing", "refund", "delivery"]


def constantly(value):
    return lambda _: value


def table(count=60, **columns):
    columns = {
        "text": "I wrote about number {} and nobody has answered".format,
        "label": lambda number: LABELS[number % 3],
    } | columns
    return [{name: make(number) for name, make in columns.items()} for number in range(count)]


@pytest.mark.parametrize(
    ("columns", "wishes", "plan"),
    [
        ({}, {}, (0.25, None, None)),
        ({}, {"test": 20.0}, (20.0, None, None)),
        ({"customer_id": lambda n: f"c{n // 3}"}, {}, (0.25, "group", "customer_id")),
        ({"customer_id": "c{}".format}, {}, (0.25, None, None)),
        ({"customer_id": lambda n: f"c{n % 3}"}, {}, (0.25, None, None)),
        ({"received": lambda n: f"2026-0{1 + n // 28}-{1 + n % 28:02}"}, {},
         (0.25, "time", "received")),
        ({"received": lambda n: f"{1 + n % 28}.3.2026"}, {}, (0.25, None, None)),
        ({"received": lambda n: 20260101 + n}, {}, (0.25, None, None)),  # a number may be anything
        ({"received": lambda n: f"2026-01-{1 + n % 28:02}", "user": lambda n: f"u{n // 2}"}, {},
         (0.25, "group", "user")),
        ({"received": lambda n: f"2026-01-{1 + n % 28:02}", "user": lambda n: f"u{n // 2}"},
         {"time": "received"}, (0.25, "time", "received")),
        ({"who": lambda n: f"u{n // 2}"}, {"group": "who"}, (0.25, "group", "who")),
    ],
)  # fmt: skip
def test_how_test_rows_are_drawn(write, saved, columns, wishes, plan):
    written = saved(write(table(**columns)), **wishes)
    assert (written.plan.test, written.plan.key, written.plan.column) == plan
    task = load_task(written.path)
    assert len(task.test) == written.test == pytest.approx(15 if plan[0] < 1 else 20, abs=2)
    for reason in written.plan.why:
        assert reason in written.path.read_text()


def test_many_rows_are_not_all_tested_on(write, saved):
    written = saved(write(table(4200)))
    assert (written.plan.test, written.test) == (1000, 1000)


def test_a_split_that_does_not_work_is_given_up_and_that_is_said(write, saved):
    # The last label comes up in the latest rows only: nothing could be learned about it.
    columns = {
        "label": lambda n: "new" if n > 50 else LABELS[n % 2],
        "date": lambda n: f"2026-0{1 + n // 28}-{1 + n % 28:02}",
    }
    path = write(table(**columns))
    written = saved(path)
    assert written.plan.key is None
    note = "test rows are not drawn with `time: date`: the label 'new' would have no rows to train"
    assert written.notes[0].startswith(note)
    written.path.unlink()
    assert saved(path, time="date").plan.key == "time"


def test_group_and_time_and_a_split_column(write, drafted):
    path = write(table(split=lambda n: ["train", "test"][n % 2]))
    with pytest.raises(UserError, match="not both"):
        drafted(path, group="split", time="split")
    assert "the column 'split' seems to say which split" in drafted(path).notes[0]


def test_test_rows_of_their_own(write, saved):
    train = write(table(), "train.csv")
    test = write(table(label=lambda n: [*LABELS, "none"][n % 4]), "test.csv")
    written = saved(train, test, out_of_scope="none")
    task = load_task(written.path)
    assert (len(task.train), len(task.test), task.out_of_scope) == (60, 60, "none")
    assert [label.name for label in task.labels] == sorted(LABELS)
    assert "  - name: billing  # 20 train, 15 test\n" in written.path.read_text()
    written.path.unlink()
    written = saved(train, test)
    assert len(load_task(written.path).labels) == 4
    assert '# out_of_scope: "none"\n' in written.path.read_text()
    assert "--out-of-scope none" in written.notes[0]


def test_out_of_scope_must_be_a_label(write, drafted):
    path = write(table())
    with pytest.raises(UserError, match=r"--out-of-scope: there is no such label[^$]*'refund'"):
        drafted(path, out_of_scope="refnd")
    with pytest.raises(UserError, match="has no out-of-scope label"):
        drafted(path, out_of_scope="x", kind="generation")


WILD = {
    "semicolons": ('text;label\n"a; b";x\n', "utf-8", "semicolons stand between its cells"),
    "tabs": ("text\tlabel\na, b\tx\n", "utf-8", "tabs stand"),
    "Windows": ("text,label\nGrüße zu 5 €,x\n", "cp1252", "it is Windows-1252, not UTF-8"),
    "both": ("text;label\nGrüße;x\n", "cp1252", "Windows-1252, not UTF-8 and semicolons"),
    "UTF-16": ("text\tlabel\nGrüße\tx\n", "utf-16", "it is UTF-16, not UTF-8 and tabs"),
    "Excel": ("sep=;\ntext;label\na;x\n", "utf-8", "its first line is for Excel"),
    "spaces": ("text , label\na,x\n", "utf-8", "spaces stand around its column names"),
    "blank rows": ("text,label\na,x\n,\n", "utf-8", "blank but for their commas"),
}


@pytest.mark.parametrize("case", WILD)
def test_files_in_the_wild_get_a_clean_copy(tmp_path, saved, case):
    content, encoding, reason = WILD[case]
    head, first, *rest = content.rstrip("\n").rsplit("\n", 1 if case != "blank rows" else 2)
    more = "".join(first.replace("x", f"{label}") + "\n" for label in "xyz" for _ in range(8))
    more = "\n".join(
        line.replace("a", f"a{n}").replace("Gr", f"Gr{n}")
        for n, line in enumerate(more.splitlines())
    )
    path = tmp_path / "mails.csv"
    path.write_bytes("\n".join([head, more, *rest, ""]).encode(encoding))
    before = path.read_bytes()
    written = saved(path)
    assert path.read_bytes() == before
    assert written.copies == [tmp_path / "mails_clean.csv"]
    assert reason in written.draft.copied[0]
    assert reason in written.path.read_text()
    task = load_task(written.path)
    assert len(task.train) + len(task.test) == 24
    assert task.source["all"].startswith("mails_clean.csv sha256:")
    texts = {row.fields["text"] for row in task.train}
    assert all(text[0] in "aG" and "\ufffd" not in text for text in texts)
    if "Gr" in content:
        assert all("üße" in text for text in texts)


def test_a_byte_order_mark_needs_no_copy(write, saved):
    path = write(table())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert saved(path).copies == []


def test_rows_without_text_or_label(write, saved):
    rows = table()
    rows[3]["text"] = " "
    rows[4]["label"] = ""
    rows[5]["label"] = " "
    written = saved(write(rows))
    assert [path.name for path in written.copies] == [
        "mails_clean.csv",
        "mails_clean_unlabelled.csv",
    ]
    task = load_task(written.path)
    assert (len(task.train) + len(task.test), len(task.unlabelled)) == (57, 2)
    assert written.draft.copied == [
        "mails.csv: 1 rows without a text are left out",
        "mails.csv: 2 rows without a label are kept apart as unlabelled ones",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "this file is empty"),
        ("text,label\n", "there are no rows"),
        ("text\na\nb\n", "there is one column only"),
        ("text,label\na,x\n", "too few rows"),
        ("text,label,text\n" + "a,b,c\n" * 4, "two columns have the same name"),
        ("text,label\na,x\nb\nc,y\nd,y\n", "mails.csv:3: this row has another number of cells"),
        ("text,label\na,x\nb,y\nc,y,z\nd,y\n", "mails.csv:4: this row has another number of cells"),
        ('text,label\n"a,x\n', "not valid CSV"),
        ("\0\xff\0", "this is no text file"),
    ],
)
def test_csv_mistakes(tmp_path, content, message):
    path = tmp_path / "mails.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        read_file(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mail.csv", r"there is no such file[^$]*did you mean '.*mails.csv'"),
        ("mails.xls", "save it as .xlsx"),
        ("mails.tsv", "rename it .csv"),
        ("mails.parqet", "did you mean '.parquet'"),
        (".", "this is a folder"),
    ],
)
def test_no_file_to_read(write, tmp_path, name, message):
    write(table())
    if name.startswith("mails."):
        (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match=message):
        read_file(tmp_path / name)


def test_nothing_is_overwritten(write, saved, tmp_path):
    path = write(table())
    for name in ("mails.yaml", "mails_clean.csv"):
        path.write_text(path.read_text().replace(",", ";"))
        (tmp_path / name).write_text("mine")
        with pytest.raises(UserError, match=f"{name}: this file is there already"):
            saved(path)
        assert (tmp_path / name).read_text() == "mine"
        assert sorted(one.name for one in tmp_path.iterdir()) == ["mails.csv", name]
        (tmp_path / name).unlink()


def test_a_full_disk_leaves_nothing_behind(write, saved, tmp_path, monkeypatch):
    path = write(table())
    path.write_text(path.read_text().replace(",", ";"))
    from harness.tasks.proposal import saving

    def fail(target, data, real=saving._write_new):
        if target.suffix == ".yaml":
            raise OSError("no space left")
        real(target, data)

    monkeypatch.setattr(saving, "_write_new", fail)
    with pytest.raises(OSError, match="no space left"):
        saved(path)
    assert [one.name for one in tmp_path.iterdir()] == ["mails.csv"]


def test_a_proposal_that_cannot_be_read_back_is_our_mistake(write, saved, tmp_path, monkeypatch):
    path = write(table())
    monkeypatch.setattr("harness.tasks.proposal.saving.render", lambda *_: "kind: singel_label")
    with pytest.raises(HarnessError, match="a mistake of the harness") as caught:
        saved(path)
    assert not isinstance(caught.value, UserError)
    assert [one.name for one in tmp_path.iterdir()] == ["mails.csv"]


def test_where_the_data_lie(write, drafted, tmp_path):
    draft = drafted(write(table()))
    inner = tmp_path / "tasks"
    with pytest.raises(UserError, match="neither beside the task YAML nor below the data folder"):
        save(draft, inner / "mails.yaml", None)
    assert not inner.exists()
    written = save(draft, inner / "mails.yaml", tmp_path)
    assert load_task(written.path, data_dir=tmp_path).name == "mails"


STRANGE = ["yes", "None", "007", "a: b", "#1", "- x", '"q"', "'", "👍", "1e3", "null", "é\u2028x",
           " padded ", "a\nb", "{{ x }}", "*", "\x07", "a_b", "a b", "A_B"]  # fmt: skip


def proposed_labels(labels, folder):
    """Writes a file with these labels and proposes a task for it; gives the labels read back."""
    rows = [
        {"text": f"text {n} {m}", "label": name} for m in range(3) for n, name in enumerate(labels)
    ]
    (folder / "x.csv").write_bytes(write_csv(["text", "label"], rows))
    wishes = Wishes(label="label", kind="single_label")
    draft = propose({"all": read_file(folder / "x.csv")}, "x", wishes, refuse)
    (folder / "x.yaml").unlink(missing_ok=True)
    return load_task(save(draft, folder / "x.yaml", None).path).labels


def test_labels_that_yaml_could_mistake(tmp_path):
    labels = proposed_labels(STRANGE, tmp_path)
    assert [label.name for label in labels] == sorted(STRANGE)
    assert len({label.verbalizer for label in labels}) == len(STRANGE)


LABEL = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)


@settings(max_examples=100, deadline=None)
@given(labels=st.lists(LABEL, min_size=2, max_size=8, unique=True))
def test_any_labels(labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    assert [label.name for label in proposed_labels(labels, folder)] == sorted(labels)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CANCEL_ORDER", "cancel order"),
        ("card_arrival", "card arrival"),
        ("cardArrival", "card arrival"),
        ("CardArrival", "card arrival"),
        ("card-arrival", "card arrival"),
        ("EMI", "EMI"),
        ("OFFERS", "offers"),
        ("Make Update", "Make Update"),
        ("2024-01", "2024-01"),
        ("_", "_"),
        ("None", "None"),
    ],
)
def test_words_of_a_label(name, words):
    assert guess_words(name) == words


def test_words_that_would_clash():
    assert verbalizers(["a_b", "a b", "A_B"]) == {"a_b": "a_b", "a b": "a b", "A_B": "A_B"}


@pytest.mark.parametrize(
    ("path", "test", "kind", "labels"),
    [
        ("hint3_sofmattress/train.csv", "hint3_sofmattress/test.csv", "single_label", 22),
        ("clinc150/train.csv", "clinc150/test.csv", "single_label", 151),
        ("nlupp/hotels.csv", None, "multi_label", None),
        ("scitail/train.csv", "scitail/test.csv", "text_pair", 2),
        ("openbookqa/train.csv", "openbookqa/test.csv", "multiple_choice", 4),
        ("restaurants8k_spans/train.csv", None, "extraction", 0),
        ("banking77/train.csv", None, "single_label", 77),
    ],
)
def test_real_files(shared, path, test, kind, labels):
    data = shared / "data"
    tables = {"all" if test is None else "train": read_file(data / path)}
    if test:
        tables["test"] = read_file(data / test)
    draft = propose(tables, "x", Wishes(), refuse)
    assert draft.shape.kind == kind
    assert draft.copied == []
    if kind in ("single_label", "text_pair"):
        assert len(draft.labels) == labels


def test_real_files_are_read_back(shared, tmp_path):
    for name in ("hint3_sofmattress", "nlupp", "scitail", "openbookqa"):
        file = "hotels.csv" if name == "nlupp" else "train.csv"
        draft = propose({"all": read_file(shared / "data" / name / file)}, name, Wishes(), refuse)
        written = save(draft, tmp_path / f"{name}.yaml", shared / "data" / name)
        theirs = read_definition(shipped("tasks") / f"{name}.yaml") if name[0] == "h" else None
        if theirs:
            task = load_task(written.path, data_dir=shared / "data" / name)
            ours = [label.name for label in task.labels]
            assert ours == [label.name for label in theirs.definition.labels]


def test_csv_round_trip(tmp_path):
    rows = [{"a": 'x, "y"\nz', "b": ""}, {"a": "ü;\t|", "b": "1"}]
    path = tmp_path / "x.csv"
    path.write_bytes(write_csv(["a", "b"], rows))
    read = read_csv(path)
    assert read.unclean == ""
    assert [dict(zip(read.header, cells, strict=True)) for cells in read.rows] == rows


def test_a_table_of_the_hub_cannot_be_cleaned(tmp_path):
    from harness.tasks.proposal.draft import HubSource

    rows = table()
    rows[0]["label"] = ""
    raw = RawTable("org/x train", list(rows[0]), rows)
    draft = propose(
        {"all": raw}, "x", Wishes(), refuse, hub=HubSource("org/x", None, {"all": "train"})
    )
    with pytest.raises(DataError, match="org/x: a task takes all rows"):
        save(draft, tmp_path / "x.yaml", None)
    assert json.dumps(sorted(tmp_path.iterdir())) == "[]"
