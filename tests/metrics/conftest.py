"""Seeded random predictions to score, for each way of answering a row."""

import dataclasses

import numpy as np
import pytest

from harness.metrics.scored import NO_ANSWER, Scored, ScoredScope, ScoredSets, ScoredTexts

WORDS = ("the", "card", "a", "lost", "in", "Rome", "top-up", "Zürich", "7 pm.", "rate")


def random_scored(
    seed=0, rows=60, classes=4, *, gold_from=None, predicted_from=None, unanswered=0.0
):
    """Rows answered better than by chance; labels can be left out of the gold or the answers."""
    generator = np.random.default_rng(seed)
    gold = generator.choice(gold_from or classes, size=rows)
    probabilities = generator.dirichlet(np.ones(classes), size=rows)
    probabilities[np.arange(rows), gold] += 0.4
    never = np.setdiff1d(np.arange(classes), predicted_from or np.arange(classes))
    probabilities[:, never] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    silent = generator.random(rows) < unanswered
    predicted[silent] = NO_ANSWER
    probabilities[silent] = np.nan
    labels = tuple(f"label {number}" for number in range(classes))
    return Scored(labels, gold, predicted, probabilities)


def random_sets(
    seed=0, rows=60, classes=4, *, unanswered=0.0, share=0.35, never_had=(), never_given=()
):
    """Sets of labels, some of them empty; labels can be left out of the gold or the answers."""
    generator = np.random.default_rng(seed)
    gold = generator.random((rows, classes)) < share
    gold[:, list(never_had)] = False
    probabilities = np.clip(gold * 0.4 + generator.random((rows, classes)) * 0.7, 0, 1)
    probabilities[:, list(never_given)] = 0
    predicted = probabilities >= 0.5
    answered = generator.random(rows) >= unanswered
    predicted[~answered] = False
    probabilities[~answered] = np.nan
    labels = tuple(f"label {number}" for number in range(classes))
    return ScoredSets(labels, gold, predicted, answered, probabilities)


def random_texts(seed=0, rows=60, *, unanswered=0.0, empty=0.3):
    """Texts of a few words, one to three right answers a row, some of them: there is none."""
    generator = np.random.default_rng(seed)

    def text():
        return " ".join(generator.choice(WORDS, size=generator.integers(1, 5)))

    golds = [
        ("",) if generator.random() < empty else tuple(text() for _ in range(number))
        for number in generator.integers(1, 4, size=rows)
    ]
    outputs = []
    for gold in golds:
        answers = [gold[-1], gold[-1].upper(), text(), "", f"{gold[0]} and more"]
        silent = generator.random() < unanswered
        outputs.append(None if silent else answers[generator.choice(len(answers))])
    return ScoredTexts(tuple(golds), tuple(outputs))


def random_scope(seed=0, rows=60, *, unanswered=0.0):
    """Rows of which a third are out of scope, and most of these rejected."""
    generator = np.random.default_rng(seed)
    outside = generator.random(rows) < 0.35
    rejected = generator.random(rows) < np.where(outside, 0.7, 0.1)
    return ScoredScope(outside, rejected & (generator.random(rows) >= unanswered))


def perfect(scored):
    """The same rows, all answered rightly and for certain."""
    if isinstance(scored, ScoredTexts):
        return ScoredTexts(scored.golds, tuple(gold[0] for gold in scored.golds))
    if isinstance(scored, ScoredScope):
        return ScoredScope(scored.outside, scored.outside)
    if isinstance(scored, ScoredSets):
        answered = np.ones(scored.rows, dtype=bool)
        return ScoredSets(scored.labels, scored.gold, scored.gold, answered, scored.gold * 1.0)
    certain = np.eye(len(scored.labels))[scored.gold]
    return Scored(scored.labels, scored.gold, scored.gold, certain)


def take(scored, rows):
    """Some of the rows, in the order given."""

    def of(values):
        if isinstance(values, tuple):
            return tuple(values[row] for row in rows)
        return None if values is None else values[rows]

    names = [field.name for field in dataclasses.fields(scored) if field.name != "labels"]
    return dataclasses.replace(scored, **{name: of(getattr(scored, name)) for name in names})


MAKERS = {
    "one label": random_scored,
    "label sets": random_sets,
    "texts": random_texts,
    "scope": random_scope,
}
CASES = {
    "plain": {},
    "two classes": {"classes": 2},
    "many classes, few rows": {"rows": 25, "classes": 30},
    "a class without rows": {"gold_from": [0, 1, 3]},
    "a class never given": {"predicted_from": [0, 1, 2]},
    "a class neither had nor given": {"gold_from": [0, 1, 3], "predicted_from": [0, 1, 3]},
    "no answer to some rows": {"unanswered": 0.3},
    "all at once": {
        "classes": 6,
        "gold_from": [0, 1, 3, 4],
        "predicted_from": [0, 2, 3],
        "unanswered": 0.2,
    },
}
SET_CASES = {
    "plain": {},
    "few labels a row": {"share": 0.1},
    "no labels at all": {"share": 0.0},
    "a label without rows": {"never_had": [1]},
    "a label never given": {"never_given": [2]},
    "a label neither had nor given": {"never_had": [3], "never_given": [3]},
    "many labels, few rows": {"rows": 7, "classes": 20},
    "no answer to some rows": {"unanswered": 0.3},
}


@pytest.fixture
def make_scored():
    return random_scored


@pytest.fixture(scope="session")
def makers():
    """What makes random rows, by the way they are answered."""
    return MAKERS


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def scored(request):
    return random_scored(seed=1, **request.param)


@pytest.fixture(params=SET_CASES.values(), ids=SET_CASES.keys())
def label_sets(request):
    return random_sets(seed=1, **request.param)


@pytest.fixture(params=[0.0, 0.3], ids=["all answered", "no answer to some rows"])
def texts(request):
    return random_texts(seed=1, unanswered=request.param)


@pytest.fixture(scope="session")
def answer_perfectly():
    return perfect


@pytest.fixture(scope="session")
def take_rows():
    return take


@pytest.fixture
def value_of():
    """The value of a metric on all rows, without a bootstrap."""

    def value(metric, scored):
        return metric.aggregate(metric.statistics(scored).sum(axis=0))

    return value
