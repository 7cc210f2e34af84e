import numpy as np
import pytest

from harness.models.likelihood.plan import Budget, plan_batches
from harness.models.likelihood.prefix import tree_mask
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer
from harness.models.likelihood.trie import build_trie


def batch_of(prompts):
    """One batch of prompts that begin alike and are equally long."""
    [batch] = plan_batches(prompts, Budget(tokens=10**6, predictions=10**6))
    return batch


def score(tree, *prompts):
    batch = batch_of(prompts)
    tree.keep(batch.shared)
    return tree.score(batch)


def assert_close(values, expected):
    for one, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize("cuts", [(), (1,), (20,), (39,), (1, 2), (13, 39), (5, 10, 20)])
def test_wherever_the_prompt_is_cut(llama, tokens, labels, reference, cuts):
    prompt = TokenisedPrompt(tokens(40), labels, cuts)
    tree = TreeScorer(llama)
    values = score(tree, prompt)
    assert_close(values, reference(llama, [prompt]))
    assert score(tree, prompt)[0].tobytes() == values[0].tobytes()  # the cache is as it was


@pytest.mark.parametrize(
    "continuations",
    [((9,),), ((9,), (8,), (9,)), ((9, 8, 7, 6),), ((9,), (9, 8), (9, 8, 7), (9, 8, 7))],
    ids=["one token", "one token each", "one label", "a chain"],
)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 12])
def test_few_labels_and_short_prompts(llama, tokens, reference, continuations, length):
    prompt = TokenisedPrompt(tokens(length), continuations)
    assert_close(score(TreeScorer(llama), prompt), reference(llama, [prompt]))


def test_prompts_of_one_pass_do_not_mix(llama, tokens, labels, reference):
    shared = tokens(15)
    prompts = [
        TokenisedPrompt((*shared, *tokens(count, seed=count)), chosen, (15,))
        for count, chosen in ((9, labels), (10, labels), (11, labels[:-1]), (11, labels[::-1]))
    ]
    together = score(TreeScorer(llama), *prompts)
    assert_close(together, reference(llama, prompts))
    for prompt, values in zip(prompts, together, strict=True):
        assert score(TreeScorer(llama), prompt)[0].tobytes() == values.tobytes()


def test_what_is_shared_is_run_once(llama, tokens):
    a, b, c = (tokens(count, seed=count) for count in (5, 6, 7))
    tree = TreeScorer(llama)
    asked = [(a,), (a, b), (a, b), (a, c), (a,), (), (b,), (b, a, c), (b, a), (b, c)]
    assert [tree.keep(shared) for shared in asked] == [
        [5], [0, 6], [0, 0], [0, 7], [0], [], [6], [0, 5, 7], [0, 0], [0, 7],
    ]  # fmt: skip


def test_tokens_reported_are_those_run_without_padding(llama, tokens):
    continuations = ((9, 8, 7), (9, 8, 6), (9, 5), (4, 4), (4,))  # inner nodes: 9, 9-8, 4
    short = TokenisedPrompt(tokens(12), continuations, (5,))
    long = TokenisedPrompt((*short.context, 99), continuations, (5,))
    assert TreeScorer(llama).tokens_of(batch_of([short, long])) == [7 + 3, 8 + 3]


def test_probabilities_of_the_next_token_add_up_to_one(llama, tokens):
    every = tuple((token,) for token in range(llama.config.vocab_size))
    [values] = score(TreeScorer(llama), TokenisedPrompt(tokens(9), every))
    assert np.exp(values.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kept", [None, (), ((1, 2, 3),)])
def test_a_batch_whose_beginning_was_not_kept_is_refused(llama, tokens, labels, kept):
    tree = TreeScorer(llama)
    if kept is not None:
        tree.keep(kept)
    with pytest.raises(ValueError, match="not kept"):
        tree.score(batch_of([TokenisedPrompt(tokens(9), labels, (4,))]))


@pytest.mark.parametrize("what", ["keep", "score"])
def test_an_interruption_spoils_nothing(llama, tokens, labels, monkeypatch, what):
    first, second = (
        TokenisedPrompt((*tokens(20), *tokens(count, seed=2)), labels, cuts)
        for count, cuts in ((5, (20,)), (9, (20, 25)))
    )
    expected = score(TreeScorer(llama), second)[0]
    tree = TreeScorer(llama)
    score(tree, first)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # half of the layers have run
        patch.setattr(llama.model.layers[1].mlp, "forward", interrupt)
        with pytest.raises(KeyboardInterrupt):
            score(tree, first if what == "score" else second)
    assert score(tree, second)[0].tobytes() == expected.tobytes()


def test_who_sees_whom():
    trie = build_trie(((4, 5, 6), (4, 7, 8), (9, 9)))  # inner nodes: 4, 9, 4-5, 4-7
    mask = tree_mask(2, 3, trie).astype(int)
    assert mask.tolist() == [
        # kept, own, nodes
        [1, 1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 1, 0, 0],
        [1, 1, 1, 1, 1, 1, 0, 1, 0],
        [1, 1, 1, 1, 1, 1, 0, 0, 1],
    ]
