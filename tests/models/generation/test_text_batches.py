"""Rows that go on together: which do, and that none depends on the others."""

import pytest

from harness.models.generation.plan import (
    ROW_STEP,
    WIDTH_STEP,
    TextBudget,
    own_width,
    plan_texts,
)
from harness.models.generation.rows import Rows
from harness.models.likelihood.passes import halves
from harness.models.likelihood.plan import Budget
from harness.models.likelihood.tokens import TokenisedPrompt

ROOMY = TextBudget(rows=64, slots=10**6)
STEPS = 5


def lengths(*counts, shared=4):
    return [
        TokenisedPrompt((1,) * (shared + count), (), (shared,) if shared else ())
        for count in counts
    ]


def plan(prompts, budget=ROOMY, max_tokens=10):
    return list(plan_texts(prompts, range(len(prompts)), budget, max_tokens=max_tokens))


def test_rows_of_one_batch_begin_alike_and_are_about_equally_long():
    prompts = [*lengths(3, 64, 65, 128, 7), *lengths(3, shared=0)]
    batches = plan(prompts)
    assert [batch.places for batch in batches] == [(5,), (0, 1, 4), (2, 3)]
    assert [batch.width for batch in batches] == [WIDTH_STEP, WIDTH_STEP, 2 * WIDTH_STEP]
    for batch in batches:
        assert batch.prompts == tuple(prompts[place] for place in batch.places)
        assert {prompt.shared for prompt in batch.prompts} == {batch.shared}


def test_only_the_places_asked_for_are_planned():
    [batch] = plan_texts(lengths(*[5] * 9), [7, 2, 4], ROOMY, max_tokens=3)
    assert batch.places == (7, 2, 4)


@pytest.mark.parametrize(
    ("rows", "slots", "sizes"),
    [
        (8, 10**6, [8, 8, 3]),
        (64, 100 * 11, [8, 8, 3]),
        (64, 100 * 7, [4, 4, 4, 4, 3]),
        (64, 100 * 3, [3] * 6 + [1]),
        (64, 10, [1] * 19),
    ],
)
def test_a_batch_keeps_to_its_budget(rows, slots, sizes):
    prompts = lengths(*[40] * 19, shared=26)  # and 64 slots and 10 tokens: 100 slots
    batches = plan(prompts, TextBudget(rows, slots))
    assert [len(batch.places) for batch in batches] == sizes
    assert [place for batch in batches for place in batch.places] == list(range(19))
    assert all(batch.slots == 100 * len(batch.places) for batch in batches)


def test_halves_are_the_whole():
    [batch] = plan(lengths(*range(1, 8)))
    first, second = halves(batch)
    assert (first.places, second.places) == ((0, 1, 2), (3, 4, 5, 6))
    assert first.prompts + second.prompts == batch.prompts
    assert (first.width, first.room, first.shared) == (batch.width, batch.room, batch.shared)


@pytest.fixture
def two_threads():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def logits_of(writer, prompts, given, *, leaving=()):
    """The logits of every step of every row; some rows leave after some steps."""
    [batch] = plan(prompts, max_tokens=STEPS)
    writer.keep(batch.shared)
    rows, logits = writer.begin(batch)
    found = [[row] for row in logits.cpu()]
    left = list(range(len(prompts)))
    for step in range(STEPS):
        stay = [place for place, row in enumerate(left) if (row, step) not in leaving]
        rows.keep(stay)
        left = [left[place] for place in stay]
        for row, values in zip(left, rows.forward([given[row][step] for row in left]), strict=True):
            found[row].append(values.cpu())
    return found


@pytest.mark.parametrize("name", ["Llama", "GPT-2"])
def test_the_same_bits_in_any_company(make_model, make_engine, tokens, two_threads, name):
    """Alone, among four others, in another place, and when others have left."""
    writer = make_engine(make_model(name)).batched
    head = tokens(40, seed=1)
    prompts = [
        TokenisedPrompt((*head, *tokens(count, seed=count)), (), (40,))
        for count in (3, 4, 5, 30, 60)
    ]
    given = [tokens(STEPS, seed=row) for row in range(5)]
    together = logits_of(writer, prompts, given)
    turned = logits_of(writer, prompts[::-1], given[::-1])[::-1]
    leaving = {(0, 0), (3, 1), (4, 3)}
    fewer = logits_of(writer, prompts, given, leaving=leaving)
    for row, prompt in enumerate(prompts):
        [alone] = logits_of(writer, [prompt], [given[row]])
        for others in (together[row], turned[row], fewer[row]):
            assert [one.tolist() for one in others] == [one.tolist() for one in alone][
                : len(others)
            ]
    assert [len(each) for each in fewer] == [1, 6, 6, 2, 4]


def test_the_same_bits_however_prompts_are_passed(make_model, make_engine, tokens):
    writer = make_engine(make_model("Llama")).batched
    prompts = [TokenisedPrompt(tokens(count, seed=count), ()) for count in (9, 10, 11, 12, 30, 31)]
    given = [tokens(STEPS, seed=row) for row in range(6)]
    expected = logits_of(writer, prompts, given)
    writer.budget = Budget(0, 0)
    for one, other in zip(logits_of(writer, prompts, given), expected, strict=True):
        assert [values.tolist() for values in one] == [values.tolist() for values in other]


def test_rows_that_are_run_are_a_multiple_of_four(make_model, make_engine, tokens, monkeypatch):
    model = make_model("Llama")
    writer = make_engine(model).batched
    run, forward = [], model.forward

    def watched(*args, **kwargs):
        run.append(tuple(kwargs["input_ids"].shape))
        return forward(*args, **kwargs)

    monkeypatch.setattr(model, "forward", watched)
    prompts = [TokenisedPrompt(tokens(10, seed=row), ()) for row in range(10)]
    given = [tokens(STEPS, seed=row) for row in range(10)]
    leaving = {(0, 1), (1, 2), (4, 3), *((row, 4) for row in (2, 3, 5, 6, 7, 8))}
    logits_of(writer, prompts, given, leaving=leaving)
    assert run == [(10, 12), (12, 1), (12, 1), (8, 1), (8, 1), (4, 1)]


def test_rows_hold_no_more_than_they_need(make_model, make_engine, tokens):
    writer = make_engine(make_model("Llama")).batched
    [batch] = plan([TokenisedPrompt(tokens(12), (), (5,))] * 6, max_tokens=3)
    writer.keep(batch.shared)
    rows, _ = writer.begin(batch)
    assert isinstance(rows, Rows)
    [shape] = {tuple(each.shape) for layer in rows._cache.layers for each in layer.buffers}
    assert shape == (8, 2, 5 + WIDTH_STEP + 3, 8)
    rows.keep([1, 4])
    [shape] = {tuple(each.shape) for layer in rows._cache.layers for each in layer.buffers}
    assert shape == (ROW_STEP, 2, 5 + WIDTH_STEP + 3, 8)


def test_a_rows_width_is_its_own():
    assert [own_width(prompt) for prompt in lengths(1, 64, 65, 129)] == [64, 64, 128, 192]
