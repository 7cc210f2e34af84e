import dataclasses

import pytest

from harness.methods import METHODS
from harness.runs import estimate
from harness.runs.estimate import estimate_seconds, matrix_rate


@pytest.fixture
def seconds(make_plan, task_file, monkeypatch):
    """Gives the estimate for an experiment on a machine of a known rate."""
    monkeypatch.setattr(estimate, "matrix_rate", lambda: 1e9)

    def seconds(**asked):
        made = make_plan(identity=lambda *_: "x", task=[str(task_file())], **asked)
        return estimate_seconds(made.distinct())

    return seconds


def test_nothing_takes_no_time():
    assert estimate_seconds([]) == 0.0


def test_every_method_has_an_estimate(seconds):
    for entry in METHODS:
        assert seconds(method=[entry.name], labels=["2/class"], draws=1) > 0


def test_more_work_takes_longer(seconds):
    tune = {"method": ["fine_tune"], "labels": ["2/class"]}
    assert seconds(**tune, draws=1) < seconds(**tune, draws=2)
    assert seconds(**tune, draws=1) < seconds(method=["fine_tune:epochs=500"], labels=["2/class"])
    assert seconds(method=["zero_shot"], limit=1) < seconds(method=["zero_shot"])
    assert seconds(method=["majority"]) < seconds(method=["zero_shot"])


def test_prompts_are_estimated_by_what_they_read(seconds):
    def asked(method):
        return seconds(method=[method], labels=["2/class"], draws=1)

    assert asked("zero_shot:calibration=none") < asked("zero_shot:texts=4") < asked("zero_shot")
    assert asked("few_shot:k=2,select=nearest") < asked("few_shot:k=4,select=nearest")
    fixed = [asked(f"few_shot:k={k}") for k in (2, 4)]
    assert fixed[0] == fixed[1]  # run once for all rows


def test_prompts_are_run_once_for_all_calibrations(seconds):
    names = ["zero_shot:calibration=none", "zero_shot", "zero_shot:score=pmi"]
    most = seconds(method=["zero_shot"]) + 2 * estimate.OWN_SECONDS
    assert seconds(method=names) == pytest.approx(most)
    assert seconds(method=names[::-1]) == pytest.approx(most)
    apart = seconds(method=["few_shot:k=2", "few_shot:k=2,order=label_grouped"], draws=1)
    assert apart > seconds(method=["few_shot:k=2"], draws=1) + estimate.OWN_SECONDS


def test_texts_are_encoded_once_for_all_draws_and_methods(seconds):
    asked = {"labels": ["all"], "draws": 1}
    one, two = (seconds(method=names, **asked) for names in (["prototypes"],
                ["prototypes", "linear_probe"]))  # fmt: skip
    assert two - one == pytest.approx(estimate.OWN_SECONDS)


def test_a_larger_model_takes_longer(seconds):
    known = seconds(method=["prototypes"])  # 22 million parameters
    assert known < seconds(method=["prototypes"], model=["encoder:org/unknown"])


def test_fine_tuning_of_others_has_an_estimate_too(seconds, monkeypatch):
    foreign = dataclasses.replace(METHODS.get("prototypes"), name="foreign", way="fine-tuning")
    monkeypatch.setitem(METHODS.entries(), "foreign", foreign)
    assert seconds(method=["foreign"]) > seconds(method=["prototypes"])
    uses = ("labels", "unlabelled")
    monkeypatch.setitem(METHODS.entries(), "foreign", dataclasses.replace(foreign, uses=uses))
    assert seconds(method=["foreign"]) > seconds(method=["prototypes"])


def test_what_is_trained_twice_takes_longer(seconds):
    asked = {"labels": ["2/class"], "draws": 1}
    once = seconds(method=["fine_tune"], **asked)
    assert once < seconds(method=["self_training"], **asked)
    adapted = {**asked, "model": ["encoder:adapted(all-minilm-l6-v2)"]}
    assert once < seconds(method=["fine_tune"], **adapted)
    assert seconds(method=["fine_tune"], **adapted) < seconds(
        method=["fine_tune"], model=["encoder:adapted(all-minilm-l6-v2,epochs=5000)"], **asked
    )


def test_what_has_learnt_nothing_takes_longer(seconds):
    asked = {"method": ["fine_tune:min_steps=0"], "labels": ["all"], "draws": 1}
    scratch = {**asked, "model": ["encoder:from_scratch(all-minilm-l6-v2)"]}
    assert seconds(**asked) < seconds(**scratch)
    guessed = {"method": ["self_training:epochs=2"]}
    assert seconds(**scratch | guessed) < seconds(**scratch | {"method": ["self_training"]})
    given = {**scratch, "method": ["fine_tune:min_steps=0,epochs=5"]}
    assert seconds(**given) == pytest.approx(seconds(**asked))


def test_the_machine_is_measured():
    assert 1e7 < matrix_rate() < 1e15
