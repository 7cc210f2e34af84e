import numpy as np
import pytest

from harness.core.types import Example

HEAD = "Each message below was sent by a customer. Say what the customer wants.\n\n"


@pytest.mark.parametrize("k", [0, 1, 4, 8, 100])
@pytest.mark.parametrize("select", ["random", "balanced", "nearest", "diverse"])
def test_demonstrations_come_from_the_budget(fit, tiny_task, test_rows, k, select):
    train = tiny_task.train[::2]
    shown = fit(f"few_shot:k={k},select={select},calibration=none", train).demonstrations(test_rows)
    assert [len(examples) for examples in shown] == [min(k, len(train))] * len(test_rows)
    assert all(example in train for examples in shown for example in examples)


def test_a_prompt_shows_them_in_order(fit, tiny_task, test_rows):
    method = fit("few_shot:k=3")
    shown = method.demonstrations(test_rows[:1])
    [prompt] = method.builder_.build(test_rows[:1], shown).prompts
    verbalizers = {label.name: label.verbalizer for label in tiny_task.labels}
    assert prompt.pieces == (
        HEAD,
        *(
            f"Message: {example.fields['text']}\nIntent: {verbalizers[example.target]}\n\n"
            for example in shown[0]
        ),
        f"Message: {test_rows[0].fields['text']}\nIntent:",
    )


@pytest.mark.parametrize("calibration", ["none", "content_free", "domain", "batch"])
@pytest.mark.parametrize("select", ["random", "balanced", "nearest", "diverse"])
def test_without_demonstrations_it_is_zero_shot(fit, test_rows, select, calibration):
    zero = fit(f"zero_shot:calibration={calibration}").predict(test_rows)
    few = f"few_shot:select={select},calibration={calibration}"
    assert fit(f"{few},k=0").predict(test_rows) == zero
    assert fit(few, []).predict(test_rows) == zero  # a budget of nothing
    assert fit(f"{few},k=2").predict(test_rows) != zero


@pytest.mark.parametrize("more", ["", "score=pmi", "mean=probability", "chat=false,score=token"])
def test_without_demonstrations_other_settings_are_the_same_too(fit, test_rows, more):
    few, zero = (fit(text).predict(test_rows) for text in (f"few_shot:k=0,{more}",
                 f"zero_shot:{more}"))  # fmt: skip
    assert few == zero


def test_demonstrations_never_calibrate_nor_are_they_tested_on(fit, tiny_task, read_prompts):
    train = tiny_task.train[:12]
    method = fit("few_shot:k=4,calibration=chosen", train)
    shown = {example.fields["text"] for example in method.demonstrations([Example(-1, {})])[0]}
    asked = [prompt.pieces[-1] for prompt in read_prompts]
    assert len(shown) == 4
    assert not [tail for tail in asked for text in shown if tail.startswith(f"Message: {text}\n")]
    others = {example.fields["text"] for example in tiny_task.train} - shown
    assert {f"Message: {text}\nIntent:" for text in others} == {*asked}


def test_of_demonstrations_for_each_query_none_is_its_own(fit, tiny_task, read_prompts):
    fit("few_shot:k=4,select=nearest,calibration=chosen", tiny_task.train[:12])
    for prompt in read_prompts:
        own = prompt.pieces[-1].removesuffix("\nIntent:")
        assert prompt.pieces[0] == HEAD
        assert len(prompt.pieces) == 1 + 4 + 1
        assert not [piece for piece in prompt.pieces[1:-1] if piece.startswith(f"{own}\n")]


def test_the_labelled_examples_decide_whether_to_calibrate(fit, tiny_task, test_rows):
    """Whatever the model says of the examples not shown becomes their label."""
    found = {}
    for calibration in ("none", "domain"):
        asks = f"few_shot:k=0,calibration={calibration}"
        said = fit(asks).predict([row.without_target() for row in tiny_task.train])
        train = [
            Example(row.row, row.fields, made.output)
            for row, made in zip(tiny_task.train, said, strict=True)
        ]
        found[calibration] = fit("few_shot:k=0,calibration=chosen", train).predict(test_rows)
        outputs = [made.output for made in found[calibration]]
        assert outputs == [made.output for made in fit(asks).predict(test_rows)]
    assert found["none"] != found["domain"]


def test_labelled_examples_choose_the_temperature_where_there_are_enough(
    fit, tiny_task, test_rows, monkeypatch
):
    from harness.methods import few_shot

    monkeypatch.setattr(few_shot, "MIN_FOR_TEMPERATURE", 10**6)
    untouched = fit("few_shot:k=0,calibration=chosen").predict(test_rows)
    monkeypatch.setattr(few_shot, "MIN_FOR_TEMPERATURE", 1)
    method = fit("few_shot:k=0,calibration=chosen")
    assert few_shot.TEMPERATURES[0] <= method.temperature_ <= few_shot.TEMPERATURES[1]
    assert method.temperature_ != 1
    made = method.predict(test_rows)
    assert [one.output for one in made] == [one.output for one in untouched]
    logs = [np.log([one.probabilities for one in rows]) for rows in (untouched, made)]
    spreads = [np.ptp(each, axis=1) for each in logs]
    np.testing.assert_allclose(spreads[1] * method.temperature_, spreads[0], rtol=1e-4)


def test_without_examples_that_are_not_shown_chosen_is_domain(fit, tiny_task, test_rows):
    train = tiny_task.train[:4]
    chosen, domain = (
        fit(f"few_shot:k=4,calibration={name}", train).predict(test_rows)
        for name in ("chosen", "domain")
    )
    assert chosen == domain
