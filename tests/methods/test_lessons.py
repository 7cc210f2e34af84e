"""The words of a label count as examples of it."""

import dataclasses

import numpy as np
import pytest

from harness.core.types import Label
from harness.training.folds import stratified
from harness.training.logistic import GRID, LogisticHead
from harness.training.margins import MarginHead

METHODS = (
    "tfidf:C=1", "nearest_neighbours", "prototypes", "linear_probe",
    "linear_probe:classifier=ridge", "fine_tune", "contrastive",
    "self_training:base=prototypes",
)  # fmt: skip


@pytest.fixture
def labels(tiny_task):
    """The labels of the tiny task, with words that none of its texts has."""
    return tuple(
        dataclasses.replace(label, verbalizer=f"zq{place}", description=f"qx{place} vw{place}")
        for place, label in enumerate(tiny_task.labels)
    )


def often(text):
    """The method where words count as so many examples that a tiny encoder learns them."""
    return f"{text}{',' if ':' in text else ':'}label_examples=30"


def outputs(method, rows):
    return [prediction.output for prediction in method.predict(rows)]


@pytest.mark.parametrize("text", METHODS)
def test_a_text_like_a_labels_words_gets_the_label(fit, labels, tiny_task, text):
    rows = [dataclasses.replace(tiny_task.train[0], fields={"text": one.words}) for one in labels]
    assert outputs(fit(often(text), labels=labels), rows) == [label.name for label in labels]


@pytest.mark.parametrize("text", METHODS)
def test_a_class_that_the_draw_lacks_can_be_answered(fit, labels, tiny_task, text):
    some = [row for row in tiny_task.train if row.target != tiny_task.labels[2].name]
    row = dataclasses.replace(tiny_task.train[0], fields={"text": labels[2].words})
    assert outputs(fit(often(text), some, labels=labels), [row]) == [labels[2].name]


def test_they_are_the_same_as_rows_of_the_budget(fit, tiny_task, test_rows):
    words = [
        dataclasses.replace(tiny_task.train[0], fields={"text": label.words}, target=label.name)
        for label in tiny_task.labels
    ]
    for method in ("prototypes", "nearest_neighbours:k=5,scale=20", "linear_probe:C=1"):
        joint = "," if ":" in method else ":"
        found = fit(f"{method}{joint}label_examples=2").predict(test_rows)
        rows = [*tiny_task.train, *words, *words]
        expected = fit(f"{method}{joint}label_examples=0", rows).predict(test_rows)
        assert [one.output for one in found] == [one.output for one in expected]
        if "neighbours" not in method:  # what is near, and so their confidence, rows alone say
            assert found == expected


def test_words_without_a_letter_count_for_nothing(fit, tiny_task, test_rows):
    labels = tuple(Label(label.name, str(place)) for place, label in enumerate(tiny_task.labels))
    with_words = fit("linear_probe", labels=labels).predict(test_rows)
    assert with_words == fit("linear_probe:label_examples=0", labels=labels).predict(test_rows)


def test_folds_hold_out_no_anchor():
    places = np.array([0, 1, 0, 1, 0, 1, 0, 1, 2, 0, 1])
    parts = stratified(places, 5, anchors=3)
    assert len(parts) == 4
    for rest, held in parts:
        assert set(held) < set(range(8))
        assert set(rest) == set(range(11)) - set(held)
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(8))
    parts = stratified(places, 5, anchors=2)  # row 8 is the only one of class 2
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(8))
    assert stratified(places[6:], 5, anchors=2) == []  # of each class one row or none


def test_the_strength_is_chosen_on_the_rows_before_the_anchors():
    """Rows whose classes mean nothing are answered by heart where each has a twin among them."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 64))
    places = np.arange(60) % 3
    twins, both = np.vstack([features, features]), np.concatenate([places, places])
    head = LogisticHead(strength=None, max_iter=500)
    assert min(GRID) == head.fit(features, places).classifier_.C
    assert max(GRID) == head.fit(twins, both, anchors=60).classifier_.C
    ridge = MarginHead("ridge", strength=None, max_iter=500, seed=0)
    assert ridge.fit(features, places).inverse_temperature_ < 1
    assert ridge.fit(twins, both, anchors=60).inverse_temperature_ > 10
