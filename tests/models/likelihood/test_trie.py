import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.models.likelihood.trie import build_trie

SEQUENCES = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple), min_size=1, max_size=12
).map(tuple)


@given(SEQUENCES)
def test_equals_a_naive_trie(sequences):
    trie = build_trie(sequences)
    inner = {sequence[:cut] for sequence in sequences for cut in range(1, len(sequence))}
    assert len(trie.tokens) == len(inner)
    paths = [path_of(trie, node) for node in range(len(trie.tokens))]
    assert set(paths) == inner  # every inner node, once
    assert trie.depths.tolist() == [len(path) for path in paths]
    for row, path in enumerate(paths):
        above = {column for column, other in enumerate(paths) if path[: len(other)] == other}
        assert set(np.flatnonzero(trie.ancestry[row])) == above
        assert max(above) == row  # parents come before children
    steps = np.split(np.stack([trie.predicting, trie.predicted]), trie.starts[1:], axis=1)
    for sequence, (places, tokens) in zip(sequences, steps, strict=True):
        assert tokens.tolist() == list(sequence)
        before = [() if place == 0 else paths[place - 1] for place in places]
        assert before == [sequence[:cut] for cut in range(len(sequence))]


def path_of(trie, node):
    above = np.flatnonzero(trie.ancestry[node])
    return tuple(trie.tokens[above[np.argsort(trie.depths[above])]].tolist())


def test_leaves_are_not_run():
    assert len(build_trie(((1,), (2,), (3,))).tokens) == 0
    assert build_trie(((1, 2, 3), (1, 2, 4), (1, 5))).tokens.tolist() == [1, 2]
    assert build_trie(((1, 2), (1, 2, 3))).tokens.tolist() == [1, 2]  # 1-2 ends a label and goes on
