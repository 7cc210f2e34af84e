"""Counts, labels, texts and duplicates of a task."""

import pytest

from harness.tasks.checks.base import TokenCounter, some, some_places
from harness.tasks.checks.counts import check_counts
from harness.tasks.checks.duplicates import check_duplicates
from harness.tasks.checks.labels import check_labels
from harness.tasks.checks.texts import check_texts
from harness.tasks.splits import normalised

LONG = "the quick brown fox jumps over the lazy dog and then it sleeps"
AB = [("one", "a"), ("two", "b")]


def test_equal_texts():
    assert normalised("  Top-up: NOW!! ") == "top up now"
    assert normalised("Straße…") == "strasse"
    assert normalised("?!") == "?!" != normalised("!!")
    assert normalised("5 €") != normalised("5 $")


def test_some():
    assert some(["a", "b" * 70]) == f"'a', '{'b' * 59}…'"
    assert some(list("abcdefg")) == "'a', 'b', 'c', 'd', 'e' and 2 more"
    assert some_places(["row 1", "row 2"]) == "row 1, row 2"


def test_counts_of_label_sets(make, said):
    rows = [{"text": f"t{n}", "labels": labels} for n, labels in enumerate(["a;b", "a", "", "a"])]
    task = make(rows, rows[:2], "multi_label", {"labels": "labels", "separator": ";"})
    notes = said(check_counts(task), "note")
    assert "train: 4 rows, 2 labels, from 1 (b) to 3 (a), 1 rows without a label" in notes
    assert "test: 2 rows, 2 labels, from 1 (b) to 2 (a)" in notes


def test_counts_of_choices_and_answers(make, said):
    rows = [{"text": f"t{n}", "o": ["x", "y"], "r": n % 2, "s": ["w", ""][n % 2]} for n in range(4)]
    task = make(rows, rows, "multiple_choice", {"choices": "o", "answer": "r"})
    assert "train: 4 rows, 2 labels, from 2 (B) to 2 (A)" in said(check_counts(task))
    task = make(rows, rows, "extraction", {"answers": "s"})
    assert "train: 4 rows, 1 different answers, 2 rows without one" in said(check_counts(task))


def test_imbalance(make, said):
    often = [(f"t{n}", "often") for n in range(20)]
    rows = [*often, ("x", "once"), ("y", "twice"), ("z", "twice")]
    findings = list(check_counts(make(rows, [*often[:9], ("q", "once")])))
    assert (
        "train: 'often' has 20 times the rows of 'once': look at macro_f1 beside accuracy"
        in said(findings, "note")
    )
    assert "labels with one training row: 'once'" in said(findings, "note")
    (warning,) = said(findings, "warning")
    assert warning.startswith("test: 90 % of the rows have the label 'often'")
    assert said(check_counts(make(rows, [*often[:8], ("q", "once")])), "warning") == []


def test_labels_of_one_side_of_label_sets(make, said):
    train = [{"text": "x", "labels": "a;b"}, {"text": "y", "labels": "b;c"}]
    test = [{"text": "z", "labels": "a;d"}]
    task = make(train, test, "multi_label", {"labels": "labels", "separator": ";"},
                labels=["a", "b", "c", "d"])  # fmt: skip
    findings = list(check_labels(task))
    assert "labels without training rows: 'd'" in said(findings, "warning")
    assert "labels without test rows: 'b', 'c'" in said(findings, "note")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("class 3", True), ("c7", True), ("7", True), ("faq_12", True), ("lostCard", True),
        ("x", True), ("label_1", True),
        ("lost card", False), ("lost_card", False), ("W2", False), ("ATM", False), ("4G", False),
        ("top-up", False), ("Verlust", False), ("über", False), ("cancellation", False),
    ],
)  # fmt: skip
def test_a_verbalizer_that_is_a_name(make, said, name, is_one):
    task = make([("one", name), ("two", "billing")], [("t", name)])
    warnings = said(check_labels(task), "warning")
    assert bool(warnings) == is_one
    if is_one:
        assert warnings[0].startswith("verbalizers that are names rather than words: ")


def test_a_verbalizer_that_somebody_wrote_is_words(make, said):
    labels = [{"name": "c7", "verbalizer": "billing", "description": "d"}, {"name": "other"}]
    task = make([("one", "c7"), ("two", "other")], [("t", "c7")], labels=labels)
    findings = list(check_labels(task))
    assert said(findings, "warning") == []
    assert any(note.startswith("1 of 2 labels do not have a description: 'other'")
               for note in said(findings, "note"))  # fmt: skip


def test_ratings_are_words(make, said):
    rows = [(f"t{n}", str(n)) for n in range(1, 4)]
    assert said(check_labels(make(rows, rows, "ordinal")), "warning") == []


def test_texts_with_two_labels(make, said):
    train = [("Pay now!", "billing"), ("x", "refund"), ("x", "refund")]
    task = make(train, [("pay - now", "refund"), ("t", "billing")])
    assert said(check_labels(task), "warning") == ["1 texts have more than one label: 'pay now'"]
    rows = [{"text": "t", "labels": "refund;bill"}, {"text": "T", "labels": "bill;refund"}]
    task = make(rows, rows, "multi_label", {"labels": "labels", "separator": ";"})
    assert said(check_labels(task), "warning") == []
    rows = [{"text": "t", "answer": "x"}, {"text": "T", "answer": "y"}]
    task = make(rows, rows, "generation", {"answer": "answer"})
    assert said(check_labels(task), "warning") == []
    assert said(check_labels(task), "note") == ["1 texts have different answers: 't'"]


def test_choices_belong_to_the_question(make, said):
    rows = [{"text": "which?", "o": [f"x{n}", "y"], "r": n % 2} for n in range(4)]
    task = make(rows[:2], rows[2:], "multiple_choice", {"choices": "o", "answer": "r"})
    assert said(check_labels(task)) == []
    assert said(check_duplicates(task)) == []


def test_lengths(make, said):
    task = make([("x" * 5, "a"), ("y" * 9, "b")], [("z" * 1234, "a")])
    notes = said(check_texts(task))
    assert notes == [
        "train: texts of 5 to 9 characters, median 7",
        "test: texts of 1,234 to 1,234 characters, median 1,234",
    ]


def test_empty_and_very_long_texts(make, said):
    train = [
        {"text": "?!", "subject": "", "label": "a"},
        {"text": "x", "subject": " ", "label": "b"},
    ]
    test = [{"text": "y" * 20_001, "subject": "s", "label": "a"}]
    source = {"fields": {"subject": "subject", "text": "text"}, "label": "label"}
    findings = list(check_texts(make(train, test, source=source)))
    assert said(findings, "warning") == [
        "train: 1 texts have no letter and no digit: row 0",
        "test: 1 texts are longer than 20,000 characters: row 0 (20,003)",
    ]
    assert "train: the field 'subject' is empty in 2 rows" in said(findings, "note")


def test_tokens(make, said):
    task = make([(" ".join("x" * n), "ab"[n % 2]) for n in range(1, 21)], [("x y z", "a")])
    words = TokenCounter("tiny", lambda texts: [len(text.split()) for text in texts], 18)
    findings = list(check_texts(task, [words]))
    (warning,) = said(findings, "warning")
    assert warning == (
        "train: 1 to 20 tokens a row for tiny, median 10, 95 % up to 19; "
        "2 rows (10.0 %) are longer than the 18 that it reads"
    )
    assert (
        "test: 3 to 3 tokens a row for tiny, median 3, 95 % up to 3; "
        "0 rows (0.0 %) are longer than the 18 that it reads"
    ) in said(findings, "note")
    endless = TokenCounter("lm", words.count)
    assert "train: 1 to 20 tokens a row for lm, median 10, 95 % up to 19" in said(
        check_texts(task, [endless]), "note"
    )


def test_duplicates(make, said):
    train = [(LONG, "a"), ("Where is my card?", "b"), ("where is my card", "b"), (" Pay ", "a")]
    test = [("where is my card?", "b"), ("Where is my card?", "b"), ("pay", "a"), ("new", "a"),
            (LONG + " again", "a")]  # fmt: skip
    findings = list(check_duplicates(make(train, test)))
    aside = "(case, punctuation and white space aside)"
    assert said(findings, "note") == [
        f"train: 1 rows repeat an earlier text {aside}",
        f"test: 1 rows repeat an earlier text {aside}",
    ]
    equal, near = said(findings, "warning")
    assert equal == (
        f"3 test rows have a text that is in train too {aside}, 1 of them exactly: "
        "row 0, row 1, row 2"
    )
    assert near == (
        "1 more test texts nearly repeat one in train (0.8 of their three-word pieces or more are "
        "the same): row 4 and train row 0"
    )


def test_duplicates_of_unlabelled_texts(make, said):
    task = make(AB, [("good day", "a"), (LONG + " x", "b")], unlabelled=[("Good day!",), (LONG,)])
    first, second = said(check_duplicates(task), "warning")
    assert "1 test rows have a text that is in unlabelled too" in first
    assert "0 of them exactly: row 0" in first
    assert "row 1 and unlabelled row 1" in second


def test_slots_are_no_duplicates(make, said):
    train = [{"text": LONG, "answers": {}}, {"text": "another text", "answers": {}}]
    test = [{"text": "something else altogether", "answers": {}}]
    slots = {"time": "At which time of the day is it?", "people": "How many people will there be?"}
    task = make(train, test, "extraction", {"answers": "answers"}, slots=slots)
    assert len(task.train) == 4
    assert said(check_duplicates(task)) == []
