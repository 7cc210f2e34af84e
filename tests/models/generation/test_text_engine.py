import pytest

from harness.core.errors import UserError
from harness.models.generation.plan import TextBudget
from harness.models.likelihood.tokens import TokenisedPrompt

NO_MEMORY = "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory"
MAX_TOKENS = 9


@pytest.fixture
def engine(llama, make_engine):
    engine = make_engine(llama)
    engine.ends = frozenset()
    return engine


@pytest.fixture
def limit(llama, monkeypatch):
    """Lets the model run out of memory in passes with more rows than told, prompts' or all."""
    forward = llama.forward

    def limit_rows(rows, *, after=0, error=None):
        calls = iter(range(10**6))

        def limited(*args, **kwargs):
            if len(kwargs["input_ids"]) > rows and next(calls) >= after:
                raise error or RuntimeError(NO_MEMORY)
            return forward(*args, **kwargs)

        monkeypatch.setattr(llama, "forward", limited)

    return limit_rows


def same_length(tokens, count):
    head = tokens(8, seed=1)
    return [TokenisedPrompt((*head, *tokens(6, seed=seed)), (), (8,)) for seed in range(count)]


def tokens_of(text):
    return text.count("<")


@pytest.mark.parametrize(
    "budget", [TextBudget(1, 10**6), TextBudget(4, 10**6), TextBudget(64, 600), TextBudget(64, 1)]
)
def test_the_same_texts_for_every_budget(engine, prompts, write, budget):
    expected, _ = write(engine, prompts * 3)
    engine.budget = budget
    assert write(engine, prompts * 3)[0] == expected


def test_the_same_texts_in_any_company_and_order(engine, prompts, write):
    expected, _ = write(engine, prompts)
    assert write(engine, prompts[::-1])[0] == expected[::-1]
    for chosen in ([0], [5, 2], [6, 3, 7], [4, 4, 4, 1, 4]):
        some, _ = write(engine, [prompts[place] for place in chosen])
        assert some == [expected[place] for place in chosen]


def test_a_text_ends_where_it_should(engine, prompts, write):
    texts, _ = write(engine, prompts)
    assert {tokens_of(text) for text in texts} == {MAX_TOKENS}
    assert write(engine, prompts, max_tokens=4)[0] == [text_of(text, 4) for text in texts]
    assert write(engine, prompts, max_tokens=1)[0] == [text_of(text, 1) for text in texts]
    third = texts[0].split("<")[3]  # as in "7>"
    stopped, _ = write(engine, prompts, stop=[f"<{third}"])
    assert stopped == [text.split(f"<{third}")[0] for text in texts]
    engine.ends = frozenset({int(third[:-1])})
    assert write(engine, prompts)[0] == stopped


def text_of(text, count):
    return "".join(f"<{part}" for part in text.split("<")[1 : 1 + count])


def test_costs_count_prompts_and_what_was_generated(engine, prompts, write):
    texts, reported = write(engine, prompts)
    stop = "<" + texts[0].split("<")[3]
    _, reported = write(engine, prompts, stop=[stop])
    costs = {}
    for passed in reported:
        costs |= dict(zip(passed.places, passed.costs, strict=True))
    expected = [
        len(prompt.own) + (tokens_of(text.split(stop)[0]) + 1 if stop in text else MAX_TOKENS)
        for prompt, text in zip(prompts, texts, strict=True)
    ]
    assert [costs[place].tokens for place in range(len(prompts))] == expected
    assert min(expected[0], expected[1]) < 3 + MAX_TOKENS
    assert all(cost.seconds > 0 for cost in costs.values())


def test_what_is_shared_is_run_once(engine, prompts, write):
    _, reported = write(engine, prompts)
    assert sum(cost.tokens for passed in reported for cost in passed.shared) == 8 + 6


def test_texts_are_given_as_they_end(engine, prompts, write):
    texts, _ = write(engine, prompts[:4])
    stop = "<" + texts[2].split("<")[3]
    write(engine, prompts[-1:])  # nothing is kept of what these share
    _, reported = write(engine, prompts[:4], stop=[stop])
    assert len(reported) > 1
    assert 2 in reported[0].places
    assert [cost.tokens for cost in reported[0].shared] == [8, 6]
    assert all(cost.tokens == 0 for passed in reported[1:] for cost in passed.shared)


@pytest.mark.parametrize(("rows", "passes"), [(4, [2, 3, 2, 3]), (8, [5, 5])])
def test_a_pass_without_memory_is_halved(engine, limit, tokens, write, rows, passes):
    prompts = same_length(tokens, 10)
    expected, reported = write(engine, prompts)
    assert [passed.halved for passed in reported] == [False]
    limit(rows)
    texts, reported = write(engine, prompts)
    assert texts == expected
    assert [len(passed.places) for passed in reported] == passes
    assert all(passed.halved for passed in reported)
    assert {cost.tokens for passed in reported for cost in passed.costs} == {6 + MAX_TOKENS}


def test_memory_that_runs_out_later_costs_no_text_that_was_done(engine, limit, tokens, write):
    prompts = same_length(tokens, 10)
    texts, _ = write(engine, prompts)
    stop = "<" + texts[7].split("<")[2]
    expected, reported = write(engine, prompts, stop=[stop])
    early = {place for passed in reported[:-1] for place in passed.places}
    assert 7 in early
    limit(8, after=4)  # the prompts, and three tokens
    again, reported = write(engine, prompts, stop=[stop])
    assert again == expected
    places = [place for passed in reported for place in passed.places]
    assert sorted(places) == list(range(10))  # each once
    assert not reported[0].halved
    assert reported[-1].halved


@pytest.mark.parametrize("count", [1, 4])
def test_one_prompt_that_does_not_fit_is_the_users_to_change(engine, limit, tokens, write, count):
    limit(0)
    with pytest.raises(UserError, match="not enough memory to run one prompt") as caught:
        write(engine, same_length(tokens, count))
    assert f"14 tokens and {MAX_TOKENS} to be generated" in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("no")])
def test_other_errors_are_not_swallowed(engine, limit, tokens, write, error):
    limit(1, error=error)
    with pytest.raises(type(error), match=str(error)):
        write(engine, same_length(tokens, 4))


def test_no_prompts_no_texts(engine, write):
    assert write(engine, []) == ([], [])
