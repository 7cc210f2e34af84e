"""Every method on every kind of task that it says it can do."""

import json

import pytest

from harness.methods import METHODS
from harness.methods.base import Context
from harness.methods.spec import parse_method
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder
from harness.prompts.schema import PromptDefinition
from harness.prompts.template import PromptTemplate
from harness.tasks.kinds import KINDS
from harness.tasks.task import load_task

WORDS = ("red", "green", "blue", "black")
NOUNS = ("car", "dog", "hat", "sky", "cup", "tree")


def _texts():
    return [f"the {noun} is {colour}" for noun in NOUNS for colour in WORDS[:3]]


def _single():
    return [{"text": text, "label": text.split()[-1]} for text in _texts()], {"label": "label"}


def _pair():
    rows = [
        {"one": text, "two": f"a {other} thing", "label": "yes" if other in text else "no"}
        for text in _texts() for other in WORDS[:2]
    ]  # fmt: skip
    return rows, {"fields": {"one": "one", "two": "two"}, "label": "label"}


def _choice():
    rows = []
    for place, text in enumerate(_texts()):
        colour = text.split()[-1]
        others = [word for word in WORDS if word != colour][: 2 + place % 2]
        choices = [*others[: place % 3], colour, *others[place % 3 :]]
        rows.append({"text": text, "choices": json.dumps(choices), "answer": choices.index(colour)})
    return rows, {"choices": "choices", "answer": "answer"}


def _sets():
    rows = []
    for place, text in enumerate(_texts()):
        colour = text.split()[-1]
        labels = {0: [], 1: [colour], 2: [colour, "noun"]}[place % 3]
        rows.append({"text": text, "labels": json.dumps(labels)})
    return rows, {"labels": "labels"}


def _ratings():
    rows = [{"text": text, "label": str(1 + place % 3)} for place, text in enumerate(_texts())]
    return rows, {"label": "label"}


def _answers():
    rows = [
        {"text": text, "answers": text.split()[1] if "red" in text else ""} for text in _texts()
    ]
    return rows, {"answers": "answers"}


def _open():
    return [{"text": text, "answer": text.split()[-1]} for text in _texts()], {"answer": "answer"}


MADE = {
    "single_label": _single, "text_pair": _pair, "multiple_choice": _choice, "multi_label": _sets,
    "ordinal": _ratings, "extraction": _answers, "generation": _open,
}  # fmt: skip
QUICK = {
    "fine_tune": "fine_tune:epochs=1,min_steps=4",
    "few_shot": "few_shot:k=3",
    "linear_probe": "linear_probe:C=1",
    "tfidf": "tfidf:C=1",
    "self_training": "self_training:base=prototypes,confidence=0.5",
}
PAIRS = [(entry, kind) for entry in METHODS for kind in entry.kinds]
IDS = [f"{entry.name}-{kind}" for entry, kind in PAIRS]


def test_there_is_data_for_every_kind():
    assert MADE.keys() == KINDS.entries().keys()


@pytest.fixture
def make_task(tmp_path):
    """Writes a task of a kind and loads it; ``more`` are further keys of its YAML."""

    def make(kind, **more):
        rows, source = MADE[kind]()
        for name, part in (("train", rows[: 2 * len(rows) // 3]), ("test", rows[-6:])):
            lines = "\n".join(json.dumps(row) for row in part)
            (tmp_path / f"{name}.jsonl").write_text(lines, "utf-8")
        files = {"train": "train.jsonl", "test": "test.jsonl"}
        source = {"files": files, "fields": {"text": "text"}} | source
        content = {"version": "1", "kind": kind, "data": [source]} | more
        (tmp_path / "made.yaml").write_text(json.dumps(content), "utf-8")
        return load_task(tmp_path / "made.yaml")

    return make


def template(kind, **changes):
    content = {
        "description": "d",
        "kinds": [kind],
        "input": "Message: {{ text }}",
        "answer": "Intent: {{ label }}",
    }
    definition = PromptDefinition.model_validate(content | changes)
    return PromptTemplate(definition, name="made", where=lambda field: field)


@pytest.fixture
def fit_on(models):
    """Fits a method on a task: ``fit_on("few_shot:k=2", task, prompt)``."""

    def fit(text, task, prompt=None):
        spec, meter = parse_method(text), Meter()
        has = {
            "causal_lm": MeteredCausalLM(models["causal_lm"], meter),
            "encoder": MeteredEncoder(models["encoder"], meter),
        }
        context = Context(
            labels=task.labels,
            rules=task.rules,
            seed=0,
            meter=meter,
            **{kind: has[kind] for kind in spec.models},
            prompt=(prompt or template(task.kind)) if "prompt" in spec.uses else None,
        )
        given = task.unlabelled_texts() if "unlabelled" in spec.uses else ()
        return spec.build().fit(task.train, given, context)

    return fit


def rows_of(task):
    return [example.without_target() for example in task.test]


def check(predictions, task):
    """The predictions are answers that the kind allows, with the probabilities that belong."""
    names = [label.name for label in task.labels]
    for made, example in zip(predictions, task.test, strict=True):
        if task.rules.answer == "text":
            assert made.probabilities is None
            assert (made.output is None) == (made.failure == "unread")
            assert made.output is None or isinstance(made.output, str)
            continue
        assert made.failure is None
        assert len(made.probabilities) == len(names)
        assert all(0 <= share <= 1 for share in made.probabilities)
        if task.rules.answer == "labels":
            assert set(made.output) <= set(names)
            assert list(made.output) == sorted(made.output)
        else:
            assert made.output in names
            assert sum(made.probabilities) == pytest.approx(1)
        if task.rules.answer == "choice":
            assert names.index(made.output) < len(example.choices)
            assert not any(made.probabilities[len(example.choices) :])


@pytest.mark.parametrize(("entry", "kind"), PAIRS, ids=IDS)
def test_it_does_the_kinds_that_it_says(entry, kind, make_task, fit_on):
    task = make_task(kind)
    method = fit_on(QUICK.get(entry.name, entry.name), task)
    together = method.predict(rows_of(task))
    check(together, task)
    apart = [made for row in rows_of(task) for made in method.predict([row])]
    assert [made.output for made in apart] == [made.output for made in together]


@pytest.mark.parametrize(("entry", "kind"), PAIRS, ids=IDS)
def test_one_labelled_row(entry, kind, make_task, fit_on):
    task = make_task(kind)
    train = task.train[:1]
    method = fit_on(QUICK.get(entry.name, entry.name), task)
    check(method.fit(train, (), method.context_).predict(rows_of(task)), task)


@pytest.mark.parametrize(
    "text",
    ["tfidf:C=10", "linear_probe:C=100", "nearest_neighbours", "prototypes",
     "fine_tune:min_steps=60,learning_rate=1e-3"],
)  # fmt: skip
def test_labels_are_learnt_together_and_their_threshold_on_held_out_rows(text, make_task, fit_on):
    task = make_task("multi_label")
    method = fit_on(text, task)
    assert 0 <= method.threshold_ <= 1
    assert fit_on(f"{text.partition(':')[0]}:threshold=0.5", task).threshold_ == 0.5
    everything = fit_on(f"{text.partition(':')[0]}:threshold=0", task).predict(rows_of(task))
    assert all(len(made.output) == len(task.labels) for made in everything)


@pytest.mark.parametrize(
    "text",
    ["tfidf", "linear_probe:C=1", "nearest_neighbours", "prototypes",
     "fine_tune:epochs=1,min_steps=4", "zero_shot", "few_shot:k=3"],
)  # fmt: skip
def test_rows_out_of_scope_are_rejected_below_a_threshold(text, make_task, fit_on):
    task = make_task("single_label", labels=list(WORDS[:2]), out_of_scope="blue")
    assert "blue" not in {row.target for row in task.train}
    outputs = [made.output for made in fit_on(text, task).predict(rows_of(task))]
    assert set(outputs) <= {*WORDS[:2], "blue"}
    with_setting = text + ("," if ":" in text else ":") + "threshold="
    method = fit_on(with_setting + "1", task)
    assert {made.output for made in method.predict(rows_of(task))} == {"blue"}
    never = fit_on(with_setting + "0", task).predict(rows_of(task))
    assert "blue" not in {made.output for made in never}


def test_the_scope_threshold_keeps_rows_that_are_answered_rightly(make_task, fit_on):
    task = make_task("single_label", labels=list(WORDS[:2]), out_of_scope="blue")
    method = fit_on("prototypes", task)
    assert method.threshold_ > 0.5  # two classes: the better one has more than a half


def test_letters_are_scored_for_choices(make_task, fit_on):
    task = make_task("multiple_choice")
    prompt = template("multiple_choice", style="letters", input="{{ text }}\n{{ choice_list }}")
    for text in ("zero_shot", "few_shot:k=2", "zero_shot:calibration=content_free"):
        check(fit_on(text, task, prompt).predict(rows_of(task)), task)


@pytest.mark.parametrize("score", ["sum", "token", "character", "byte", "pmi"])
def test_every_score_of_choices(score, make_task, fit_on):
    task = make_task("multiple_choice")
    check(fit_on(f"zero_shot:score={score}", task).predict(rows_of(task)), task)


def test_the_right_choice_is_shown_in_demonstrations(make_task, fit_on, read_prompts):
    task = make_task("multiple_choice")
    fit_on("few_shot:k=2", task).predict(rows_of(task)[:1])
    shown = read_prompts[-1].text.split("\n\n")[:2]
    by_text = {row.fields["text"]: row for row in task.train}
    for demonstration in shown:
        said, answer = demonstration.split("\n")
        row = by_text[said.removeprefix("Message: ")]
        assert answer == "Intent: " + row.choices["ABCD".index(row.target)]


def test_labels_and_their_absence_are_shown_in_demonstrations(make_task, fit_on, read_prompts):
    task = make_task("multi_label")
    fit_on("few_shot:k=12", task).predict(rows_of(task)[:1])
    text = max((prompt.text for prompt in read_prompts), key=len)
    answers = [line.removeprefix("Intent: ") for line in text.split("\n") if "Intent: " in line]
    assert "none" in answers
    assert any(", " in answer for answer in answers)


def test_constrained_answers_are_those_allowed(make_task, fit_on):
    task = make_task("generation", answers=list(WORDS))
    made = fit_on("zero_shot:constrained=true", task).predict(rows_of(task))
    assert {one.output for one in made} <= set(WORDS)
    assert all(one.failure is None for one in made)
    task = make_task("extraction")
    for one, row in zip(fit_on("few_shot:k=2,constrained=true", task).predict(rows_of(task)),
                        task.test, strict=True):  # fmt: skip
        assert one.output == "" or one.output in str(row.fields["text"])


def test_what_cannot_be_read_is_counted_apart(make_task, fit_on):
    task = make_task("generation", pattern="^(red|green) [0-9]{9}$", max_tokens=3)
    made = fit_on("zero_shot", task).predict(rows_of(task))
    assert {(one.output, one.failure) for one in made} == {(None, "unread")}
