"""What a metric is given: built from predictions, and refused where it cannot be true."""

import numpy as np
import pytest

from harness.core.errors import UserError
from harness.core.types import Example, Prediction
from harness.metrics.evaluate import score
from harness.metrics.scored import Scored, ScoredScope, ScoredSets, ScoredTexts

LABELS = ("yes", "no")
GOLD = np.array([0, 1])
TRUE = np.array([True, False])


def examples(*targets):
    return [Example(row, {"text": "x"}, target) for row, target in enumerate(targets)]


def outputs(*values):
    return [Prediction(value) for value in values]


class TestOneLabel:
    def test_from_predictions(self):
        scored = Scored.from_predictions(
            LABELS,
            ["no", "yes", "no"],
            [
                Prediction("no", (0.25, 0.75)),
                Prediction(None, failure="unread"),
                Prediction("yes", (0.5, 0.5)),
            ],
        )
        assert scored.labels == LABELS
        assert scored.gold.tolist() == [1, 0, 1]
        assert scored.predicted.tolist() == [1, -1, 0]
        assert scored.rows == 3
        assert scored.has_probabilities
        assert scored.probabilities == pytest.approx(
            np.array([[0.25, 0.75], [np.nan, np.nan], [0.5, 0.5]]), nan_ok=True
        )

    def test_an_output_out_of_scope_is_no_answer_and_keeps_its_probabilities(self):
        made = [Prediction("oos", (0.6, 0.4)), Prediction("yes", (0.9, 0.1))]
        scored = Scored.from_predictions(LABELS, ["yes", "yes"], made, out_of_scope="oos")
        assert scored.predicted.tolist() == [-1, 0]
        assert scored.probabilities == pytest.approx(np.array([[0.6, 0.4], [0.9, 0.1]]))
        with pytest.raises(ValueError, match="expected labels out of"):
            Scored.from_predictions(LABELS, ["yes", "yes"], made)

    def test_without_probabilities(self):
        scored = Scored.from_predictions(LABELS, ["no"], [Prediction("no")])
        assert scored.probabilities is None
        assert not scored.has_probabilities
        assert Scored.from_predictions(LABELS, [], []).rows == 0

    @pytest.mark.parametrize(
        ("gold", "made"),
        [
            (["maybe"], ["no"]),
            (["no"], ["maybe"]),
            (["no"], ["no", "no"]),
            (["no"], [("no",)]),
        ],
    )
    def test_what_does_not_fit_is_refused(self, gold, made):
        with pytest.raises(ValueError, match="expected"):
            Scored.from_predictions(LABELS, gold, outputs(*made))

    def test_rows_of_another_number_of_probabilities_are_refused(self):
        with pytest.raises(ValueError, match="expected 2 in a row, got 3"):
            Scored.from_predictions(LABELS, ["no"], [Prediction("no", (0.2, 0.3, 0.5))])

    @pytest.mark.parametrize(
        ("gold", "predicted"),
        [
            ([0, 2], [0, 1]),
            ([0, -1], [0, 1]),
            ([0, 1], [0, 2]),
            ([0, 1], [0, -2]),
            ([0, 1], [0]),
            ([0.0, 1.0], [0, 1]),
        ],
    )
    def test_impossible_labels_are_refused(self, gold, predicted):
        with pytest.raises(ValueError, match="expected"):
            Scored(LABELS, np.array(gold), np.array(predicted))

    @pytest.mark.parametrize(
        "probabilities",
        [
            [[0.5, 0.5]],
            [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]],
            [[0.5, 0.5], [0.5, 0.4]],
            [[0.5, 0.5], [1.5, -0.5]],
            [[0.5, 0.5], [np.nan, 1.0]],
            [[0.5, 0.5], [np.inf, 0.0]],
        ],
    )
    def test_impossible_probabilities_are_refused(self, probabilities):
        with pytest.raises(ValueError, match="probabilities: expected"):
            Scored(LABELS, GOLD, GOLD, np.array(probabilities))

    def test_class_counts(self):
        scored = Scored(LABELS, np.array([0, 1, 1]), np.array([0, 0, -1]))
        assert scored.class_counts.tolist() == [
            [1, 0, 1, 0, 1, 0],
            [0, 0, 0, 1, 1, 0],
            [0, 0, 0, 1, 0, 0],
        ]
        assert scored.class_counts is scored.class_counts

    def test_the_same_rows(self):
        scored = Scored(LABELS, GOLD, GOLD)
        assert scored.same_rows(Scored(LABELS, GOLD, GOLD[::-1]))
        assert not scored.same_rows(Scored(LABELS, GOLD[::-1], GOLD))
        assert not scored.same_rows(Scored(("no", "yes"), GOLD, GOLD))


class TestLabelSets:
    MADE = (
        Prediction(("no", "yes"), (0.75, 0.5)),
        Prediction((), (0.25, 0.0)),
        Prediction(None, failure="request"),
    )

    def test_from_predictions(self):
        scored = ScoredSets.from_predictions(LABELS, [("yes",), (), ("no",)], self.MADE)
        assert scored.gold.tolist() == [[True, False], [False, False], [False, True]]
        assert scored.predicted.tolist() == [[True, True], [False, False], [False, False]]
        assert scored.answered.tolist() == [True, True, False]
        assert scored.probabilities == pytest.approx(
            np.array([[0.75, 0.5], [0.25, 0.0], [np.nan, np.nan]]), nan_ok=True
        )
        assert (scored.rows, scored.has_probabilities) == (3, True)
        assert scored.class_counts.tolist() == [
            [1, 0, 1, 0, 1, 1],
            [0, 0, 0, 0, 0, 0],
            [0, 0, 0, 1, 0, 0],
        ]
        assert scored.class_counts is scored.class_counts

    @pytest.mark.parametrize(
        ("gold", "made"),
        [
            ([("maybe",)], [("no",)]),
            ([("no",)], [("maybe",)]),
            ([("no",)], ["no"]),
            ([("no",)], [("no",), ("no",)]),
        ],
    )
    def test_what_does_not_fit_is_refused(self, gold, made):
        with pytest.raises(ValueError, match="expected"):
            ScoredSets.from_predictions(LABELS, gold, outputs(*made))

    @pytest.mark.parametrize(
        "change",
        [
            {"gold": np.array([[1, 0]])},
            {"gold": np.array([[True]])},
            {"predicted": np.array([[True, False]] * 2)},
            {"answered": np.array([False])},
            {"probabilities": np.array([[0.5, 1.5]])},
            {"probabilities": np.array([[0.5, np.nan]])},
            {"probabilities": np.array([[0.5]])},
        ],
    )
    def test_the_impossible_is_refused(self, change):
        possible = {
            "gold": np.array([[True, True]]),
            "predicted": np.array([[True, False]]),
            "answered": np.array([True]),
            "probabilities": np.array([[1.0, 1.0]]),
        }
        ScoredSets(LABELS, **possible)
        with pytest.raises(ValueError, match="expected"):
            ScoredSets(LABELS, **possible | change)

    def test_the_same_rows(self):
        first, second, other = (
            ScoredSets.from_predictions(LABELS, [gold], outputs(made))
            for gold, made in [(("no",), ()), (("no",), ("yes",)), ((), ())]
        )
        assert first.same_rows(second)
        assert not first.same_rows(other)


class TestTexts:
    def test_from_predictions(self):
        scored = ScoredTexts.from_predictions([("a", "b"), ("",)], outputs("c", None))
        assert scored.golds == (("a", "b"), ("",))
        assert scored.outputs == ("c", None)
        assert (scored.labels, scored.rows, scored.has_probabilities) == ((), 2, False)

    @pytest.mark.parametrize(
        ("golds", "made"), [([("a",)], []), ([()], ["a"]), ([("a",)], [("a",)])]
    )
    def test_what_does_not_fit_is_refused(self, golds, made):
        with pytest.raises(ValueError, match="expected"):
            ScoredTexts.from_predictions(golds, outputs(*made))

    def test_the_same_rows(self):
        scored = ScoredTexts((("a",),), ("b",))
        assert scored.same_rows(ScoredTexts((("a",),), (None,)))
        assert not scored.same_rows(ScoredTexts((("a", "b"),), ("b",)))


class TestScope:
    def test_from_predictions(self):
        made = outputs("oos", None, "yes", "oos")
        scored = ScoredScope.from_predictions("oos", examples("oos", "oos", "no", "no"), made)
        assert scored.outside.tolist() == [True, True, False, False]
        assert scored.rejected.tolist() == [True, False, False, True]
        assert (scored.labels, scored.rows, scored.has_probabilities) == ((), 4, False)

    def test_without_such_a_label_nothing_is_outside(self):
        scored = ScoredScope.from_predictions(None, examples("no", None), outputs(None, "no"))
        assert not scored.outside.any()
        assert not scored.rejected.any()

    def test_what_does_not_fit_is_refused(self):
        with pytest.raises(ValueError, match="rejected: expected"):
            ScoredScope.from_predictions("oos", examples("oos"), [])
        with pytest.raises(ValueError, match="outside: expected"):
            ScoredScope(np.array([1, 0]), TRUE)


KINDS = {
    "single_label": ("yes", "no", Scored),
    "text_pair": ("yes", "no", Scored),
    "ordinal": ("yes", "no", Scored),
    "multiple_choice": ("yes", "no", Scored),
    "multi_label": (("yes",), (), ScoredSets),
    "extraction": (("a", "b"), "a", ScoredTexts),
    "generation": (("a", "b"), "a", ScoredTexts),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_form(kind):
    target, output, form = KINDS[kind]
    scored = score(kind, LABELS, examples(target, target), outputs(output, None))
    assert isinstance(scored, form)
    assert scored.rows == 2
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        score(kind, LABELS, examples(target, target), outputs(output))
    with pytest.raises(ValueError, match=f"expected targets of the kind {kind}, got None"):
        score(kind, LABELS, examples(None), outputs(output))


@pytest.mark.parametrize("kind", ["single_label", "text_pair", "ordinal"])
def test_rows_out_of_scope_are_left_out(kind):
    rows = examples("yes", "oos", "no")
    scored = score(kind, LABELS, rows, outputs("yes", "yes", "oos"), out_of_scope="oos")
    assert scored.gold.tolist() == [0, 1]
    assert scored.predicted.tolist() == [0, -1]


def test_a_kind_that_does_not_exist_is_named():
    with pytest.raises(UserError, match="did you mean 'multi_label'"):
        score("multilabel", LABELS, [], [])
