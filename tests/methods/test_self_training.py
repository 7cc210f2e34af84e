"""Self-training learns the guesses that it is sure of, and nothing else."""

import dataclasses
import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from harness.core.types import Prediction
from harness.methods import METHODS
from harness.methods.classifier import Classifier
from harness.methods.prototypes import Prototypes
from harness.methods.self_training import SelfTraining
from harness.methods.spec import parse_method
from harness.methods.trained import TrainedEncoder


@pytest.fixture
def learnt(monkeypatch):
    """Collects the targets of what classifiers learn, in order."""
    seen = []
    fit = Classifier.learn

    def watched(self, train, unlabelled):
        seen.append([example.target for example in train])
        fit(self, train, unlabelled)

    monkeypatch.setattr(Classifier, "learn", watched)
    return seen


@pytest.fixture
def budget(tiny_task):
    """Every other row: the rest of the training pool has no labels."""
    return tiny_task.train[::2]


def test_it_learns_from_its_sure_answers_to_other_texts(fit, tiny_task, learnt, budget):
    unlabelled = [row.without_target() for row in tiny_task.train[1::2]]
    teacher = fit("prototypes", budget).predict(unlabelled)
    highest = sorted(max(answer.probabilities) for answer in teacher)
    confidence = highest[len(highest) // 2]
    sure = [one.output for one in teacher if max(one.probabilities) >= confidence]
    learnt.clear()
    fit(f"self_training:base=prototypes,confidence={confidence!r}", budget)  # all rows unlabelled
    targets = [row.target for row in budget]
    assert learnt == [targets, targets + sure]
    assert 0 < len(sure) < len(unlabelled)


def test_with_nothing_sure_it_is_its_base_and_says_so(make_context, fit, tiny_task, test_rows):
    spec = parse_method("self_training:base=prototypes,confidence=1")
    context = make_context(spec)
    method = spec.build().fit(tiny_task.train, tiny_task.unlabelled_texts(), context)
    assert method.predict(test_rows) == fit("prototypes").predict(test_rows)
    (note,) = context.meter.notes
    assert note.endswith("prototypes is sure of none")


def test_rounds_begin_from_the_budget_again(fit, learnt, budget):
    fit("self_training:base=prototypes,confidence=0.3,rounds=3", budget)
    size = len(budget)
    assert len(learnt) == 4
    assert all(targets[:size] == learnt[0] for targets in learnt)


def test_the_teacher_is_gone_when_the_pupil_learns(fit, budget, monkeypatch):
    there, before, train = [], [], TrainedEncoder.train

    def watched(self, examples):
        gc.collect()
        there.append([one() for one in before])
        before.append(weakref.ref(self))
        train(self, examples)

    monkeypatch.setattr(TrainedEncoder, "train", watched)
    fit("self_training:base=last_layers,confidence=0,epochs=1", budget)
    assert there == [[], [None]]


def test_a_model_that_is_trained_makes_fewer_passes_over_the_guesses(fit, learnt, budget):
    method = fit("self_training:base=last_layers,confidence=0,epochs=1", budget)
    assert method.model_.epochs == 1
    assert len(learnt) == 2


@pytest.mark.parametrize(
    ("written", "identity", "epochs"),
    [
        ("", "sha256:one", 2),
        ("", "adapted:one", 2),
        ("", "from_scratch:one", None),  # as its base would
        ("epochs=3", "from_scratch:one", 3),
        ("base=linear_probe", "sha256:one", None),
    ],
)
def test_a_network_that_has_learnt_nothing_passes_over_guesses_as_its_base_would(
    make_context, written, identity, epochs
):
    spec = parse_method(f"self_training:{written}" if written else "self_training")
    method = spec.build()
    encoder = SimpleNamespace(identity=identity)
    method.context_ = dataclasses.replace(make_context(spec), encoder=encoder)
    assert method._taught_epochs() == epochs


def test_of_several_labels_each_must_be_sure(make_context, tiny_task):
    spec = parse_method("self_training:base=prototypes,confidence=0.9")
    method = spec.build()

    class Several:
        answer = "labels"

    labels = tiny_task.labels[:2]
    labels = [dataclasses.replace(one, name=name) for one, name in zip(labels, "ab", strict=True)]
    method.context_ = dataclasses.replace(make_context(spec, labels=labels), rules=Several())

    class Teacher:
        def predict(self, _):
            return [
                Prediction(("a",), (0.95, 0.05)),
                Prediction((), (0.05, 0.02)),
                Prediction(("a", "b"), (0.95, 0.6)),
                Prediction(("a", "b"), (0.95, 0.08)),  # given for a low threshold: not sure
            ]

    method.model_ = Teacher()
    rows = [row.without_target() for row in tiny_task.test[:4]]
    assert [one.target for one in method._sure(rows)] == [("a",), ()]


@pytest.mark.parametrize(
    ("several", "shape", "expected"), [("labels", (0, 2), 0.5), ("label", (0,), 0.0)]
)
def test_a_threshold_is_never_chosen_on_guesses(make_context, tiny_task, several, shape, expected):
    spec = parse_method("self_training:base=prototypes,confidence=0")
    method, given = spec.build(), []
    distinct = {row.target: row for row in tiny_task.train}.values()  # none can be held out

    class Rules:
        answer = several
        needs_threshold = True
        encode = staticmethod(lambda *_: np.zeros(shape))
        decide = staticmethod(lambda *_: [])

    teacher = Prototypes()
    teacher.context_ = dataclasses.replace(make_context(spec), rules=Rules())
    teacher.threshold_ = teacher._choose_threshold(list(distinct))
    assert teacher.threshold_ == expected

    def fit(_, settings):
        given.append(settings["threshold"])
        return teacher

    method._fit = fit
    method._sure = lambda rows: rows
    for expected_second in (expected, 0.3):
        teacher.threshold_ = expected_second
        method.learn(tiny_task.train[:2], tiny_task.unlabelled_texts())
        assert given == [None, expected_second]
        given.clear()


def test_an_answer_out_of_scope_is_not_learnt(make_context, tiny_task):
    spec = parse_method("self_training:base=prototypes,confidence=0")
    method = spec.build()
    method.context_ = make_context(spec)
    shares = tuple(np.full(len(tiny_task.labels), 1 / len(tiny_task.labels)).tolist())

    class Teacher:
        def predict(self, _):
            return [Prediction("none", shares), Prediction("lost_card", shares)]

    method.model_ = Teacher()
    rows = [row.without_target() for row in tiny_task.test[:2]]
    assert [one.target for one in method._sure(rows)] == ["lost_card"]


def test_how_sure_an_answer_is_that_is_not_the_most_probable(make_context, tiny_task):
    spec = parse_method("self_training:base=prototypes,confidence=0.3")
    method = spec.build()
    method.context_ = make_context(spec)
    names = [label.name for label in tiny_task.labels]
    low, high = (tuple(row) for row in ([0.45, 0.25, 0.3], [0.34, 0.32, 0.34]))

    class Teacher:  # ratings: the middle one is the median
        def predict(self, _):
            return [Prediction(names[1], low), Prediction(names[1], high)]

    method.model_ = Teacher()
    rows = [row.without_target() for row in tiny_task.test[:2]]
    assert [one.row for one in method._sure(rows)] == [rows[1].row]


def test_a_question_with_other_choices_is_another(fit, tiny_task, learnt, monkeypatch):
    asked = [dataclasses.replace(row, choices=("one", "two")) for row in tiny_task.train]
    unlabelled = [dataclasses.replace(asked[0], target=None, choices=("one", "three"))]
    guessed = asked[0].target
    monkeypatch.setattr(
        SelfTraining, "_sure", lambda _, rows: [dataclasses.replace(rows[0], target=guessed)]
    )
    fit("self_training:base=prototypes", asked, unlabelled)
    assert len(learnt[-1]) == len(asked) + 1


@pytest.mark.parametrize("base", ["prototypes", "fine_tune"])
def test_it_depends_on_the_words_of_labels_as_its_base_does(base):
    for settings in ("label_examples=0", "label_examples=1"):
        joined = parse_method(f"self_training:base={base},{settings}")
        alone = parse_method(f"{base}:{settings}")
        assert ("label_words" in joined.uses) == ("label_words" in alone.uses)


def test_another_version_of_its_base_is_another_method():
    spec = parse_method("self_training:base=prototypes")
    assert spec.parts == {"prototypes": METHODS.get("prototypes").version}
    assert parse_method("prototypes").parts == {}
