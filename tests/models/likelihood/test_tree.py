import numpy as np
import pytest

from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer, tree_mask
from harness.models.likelihood.trie import build_trie


def test_equals_one_label_at_a_time(tree_model, make_prompt):
    prompt = make_prompt()
    expected, _ = PlainScorer(tree_model).score(prompt)
    assert np.ptp(expected) > 10  # the labels do differ
    tree = TreeScorer(tree_model)
    for kept in (0, 1, 20, 39):
        assert tree.keep_prefix(prompt.context[:kept]) == kept
        values, run = tree.score(prompt)
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)
        assert run == 40 - kept + len(build_trie(prompt.continuations).tokens)
        again, _ = tree.score(prompt)
        assert again.tobytes() == values.tobytes()  # the cache is left as it was


@pytest.mark.parametrize(
    "continuations",
    [((9,),), ((9,), (8,), (9,)), ((9, 8, 7, 6),), ((9,), (9, 8), (9, 8, 7), (9, 8, 7))],
    ids=["one token", "one token each", "one label", "a chain"],
)
def test_few_labels(llama, make_prompt, continuations):
    prompt = TokenisedPrompt(make_prompt().context, continuations)
    tree = TreeScorer(llama)
    tree.keep_prefix(prompt.context[:10])
    np.testing.assert_allclose(
        tree.score(prompt)[0], PlainScorer(llama).score(prompt)[0], rtol=0, atol=1e-4
    )


def test_prompts_after_one_prefix_do_not_mix(llama, make_prompt):
    first, second = make_prompt(seed=1), make_prompt(seed=2)
    second = TokenisedPrompt((*first.context[:15], *second.context), second.continuations)
    tree = TreeScorer(llama)
    tree.keep_prefix(first.context[:15])
    mixed = [tree.score(prompt)[0] for prompt in (first, second, first)]
    alone = TreeScorer(llama)
    alone.keep_prefix(first.context[:15])
    assert mixed[0].tobytes() == mixed[2].tobytes() == alone.score(first)[0].tobytes()
    np.testing.assert_allclose(mixed[1], PlainScorer(llama).score(second)[0], rtol=0, atol=1e-4)


def test_a_prefix_is_run_once_and_replaced_whole(llama, make_prompt):
    prompt = make_prompt()
    tree = TreeScorer(llama)
    runs = [tree.keep_prefix(prompt.context[:length]) for length in (12, 12, 5, 0, 0, 12)]
    assert runs == [12, 0, 5, 0, 0, 12]
    np.testing.assert_allclose(
        tree.score(prompt)[0], PlainScorer(llama).score(prompt)[0], rtol=0, atol=1e-4
    )


def test_all_log_probabilities_of_the_next_token_add_up_to_one(llama, make_prompt):
    every = tuple((token,) for token in range(llama.config.vocab_size))
    tree = TreeScorer(llama)
    tree.keep_prefix(())
    values, _ = tree.score(TokenisedPrompt(make_prompt().context, every))
    assert np.exp(values.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kept", [(), (1, 2, 3), "all"])
def test_a_prompt_that_does_not_go_on_from_the_prefix_is_refused(llama, make_prompt, kept):
    prompt = make_prompt()
    tree = TreeScorer(llama)
    if kept:
        tree.keep_prefix(prompt.context if kept == "all" else kept)
    with pytest.raises(ValueError, match="does not go on"):
        tree.score(prompt)


def test_an_interrupted_pass_leaves_no_half_filled_cache(llama, make_prompt, monkeypatch):
    prompt = make_prompt()
    tree = TreeScorer(llama)
    tree.keep_prefix(prompt.context[:20])
    expected, _ = tree.score(prompt)
    second_layer = llama.model.layers[1]

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(second_layer.mlp, "forward", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tree.score(prompt)
    assert tree.keep_prefix(prompt.context[:20]) == 20  # run again, for what was kept is spoilt
    assert tree.score(prompt)[0].tobytes() == expected.tobytes()


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
