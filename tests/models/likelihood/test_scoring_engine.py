import numpy as np
import pytest

from harness.core.errors import UserError
from harness.models.likelihood.engine import Engine
from harness.models.likelihood.passes import is_out_of_memory
from harness.models.likelihood.plan import Budget
from harness.models.likelihood.tokens import TokenisedPrompt

NO_MEMORY = "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory"
LABELS = ((5, 6, 7), (5, 6), (5, 8), (9,))  # inner nodes: 5, 5-6


@pytest.fixture
def engine(llama):
    return Engine(llama)


@pytest.fixture
def limit_rows(llama, monkeypatch):
    """Lets the model run out of memory in passes with more rows than told."""
    forward = llama.forward

    def limit(rows, error=None):
        def limited(*args, **kwargs):
            if len(kwargs["input_ids"]) > rows:
                raise error or RuntimeError(NO_MEMORY)
            return forward(*args, **kwargs)

        monkeypatch.setattr(llama, "forward", limited)

    return limit


def bits(values):
    return [one.tobytes() for one in values]


@pytest.mark.parametrize(
    "budget",
    [Budget(0, 0), Budget(64, 10**6), Budget(10**6, 100), Budget(10**6, 10**6)],
    ids=["one row a pass", "few tokens", "few predictions", "all"],
)
def test_the_same_bits_for_every_budget(engine, prompts, run, budget):
    expected, _ = run(engine, prompts)
    engine.budget = budget
    assert bits(run(engine, prompts)[0]) == bits(expected)


def test_the_same_bits_in_any_company_and_order(engine, prompts, run):
    expected = bits(run(engine, prompts)[0])
    assert bits(run(engine, prompts[::-1])[0]) == expected[::-1]
    for chosen in ([0], [5, 2], [8, 3, 9], [11, 0, 6, 1], [4, 4, 4]):
        some, _ = run(engine, [prompts[place] for place in chosen])
        assert bits(some) == [expected[place] for place in chosen]


def test_equal_whether_the_shared_part_is_kept_or_not(engine, prompts, run):
    whole = [TokenisedPrompt(prompt.context, prompt.continuations) for prompt in prompts]
    pairs = zip(run(engine, prompts)[0], run(engine, whole)[0], strict=True)
    for kept, uncut in pairs:
        np.testing.assert_allclose(kept, uncut, rtol=0, atol=1e-4)


def test_costs_count_every_token_once(engine, tokens, run):
    head, first, second = (tokens(count, seed=count) for count in (8, 10, 12))
    prompts = [
        *(TokenisedPrompt((*head, *first, *tokens(own)), LABELS, (8, 18)) for own in (3, 6, 6)),
        *(TokenisedPrompt((*head, *second, *tokens(own)), LABELS, (8, 20)) for own in (1, 6)),
        TokenisedPrompt((*head, *tokens(5)), LABELS, (8,)),
        TokenisedPrompt(tokens(7), LABELS[:1]),
    ]
    _, reported = run(engine, prompts)
    costs = {}
    for scored in reported:
        costs |= dict(zip(scored.places, scored.costs, strict=True))
    assert [costs[place].tokens for place in range(7)] == [5, 8, 8, 3, 8, 7, 9]
    assert all(cost.seconds > 0 for cost in costs.values())
    assert sum(cost.tokens for scored in reported for cost in scored.shared) == 8 + 10 + 12
    _, again = run(engine, prompts[-3:-1])  # what is kept from before is not run again
    assert sum(cost.tokens for scored in again for cost in scored.shared) <= 8 + 12


def same_length(tokens, count):
    head = tokens(8, seed=1)
    return [TokenisedPrompt((*head, *tokens(6, seed=seed)), LABELS, (8,)) for seed in range(count)]


@pytest.mark.parametrize(("rows", "passes"), [(3, [2, 3, 2, 3]), (5, [5, 5]), (1, [1] * 10)])
def test_a_pass_without_memory_is_halved(engine, limit_rows, tokens, run, rows, passes):
    prompts = same_length(tokens, 10)
    expected, reported = run(engine, prompts)
    assert [scored.halved for scored in reported] == [False]
    engine = Engine(engine.model)
    limit_rows(rows)
    values, reported = run(engine, prompts)
    assert [len(scored.places) for scored in reported] == passes
    assert all(scored.halved for scored in reported)
    for one, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
    assert [[cost.tokens for cost in scored.shared] for scored in reported] == [
        [8], *[[0]] * (len(passes) - 1),
    ]  # fmt: skip
    assert {cost.tokens for scored in reported for cost in scored.costs} == {6 + 2}


def test_passes_that_have_memory_are_not_halved(engine, limit_rows, tokens, run):
    alone = TokenisedPrompt(tokens(30), LABELS)
    limit_rows(2)
    _, reported = run(engine, [*same_length(tokens, 4), alone])
    assert [(len(one.places), one.halved) for one in reported] == [(1, False), *[(2, True)] * 2]


@pytest.mark.parametrize("count", [1, 4])
def test_one_prompt_that_does_not_fit_is_the_users_to_change(
    engine, limit_rows, tokens, run, count
):
    limit_rows(0)
    with pytest.raises(UserError, match="not enough memory to run one prompt") as caught:
        run(engine, same_length(tokens, count))
    assert "14 tokens and 2 nodes" in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("no")])
def test_other_errors_are_not_swallowed(engine, limit_rows, tokens, run, error):
    limit_rows(1, error)
    with pytest.raises(type(error), match=str(error)):
        run(engine, same_length(tokens, 4))


def test_what_counts_as_out_of_memory():
    import torch

    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError(NO_MEMORY))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
