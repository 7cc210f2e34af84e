import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.types import Example
from harness.prompting.demonstrations import DemonstrationPicker, check_settings, needs_encoder
from harness.tasks.splits import normalised

SELECTIONS = ("random", "balanced", "nearest", "diverse")
ORDERS = ("random", "nearest_last", "label_grouped")
SETTINGS = [
    (select, order, per)
    for select, order, per in itertools.product(SELECTIONS, ORDERS, ("draw", "query"))
    if per == "query" or (select != "nearest" and order != "nearest_last")
]
SEEDED = st.sampled_from([s for s in SETTINGS if s[0] in ("random", "balanced")])
BALANCED = st.sampled_from([s for s in SETTINGS if s[0] == "balanced"])
SEEDS = st.integers(0, 5)
TRAINS = st.lists(st.sampled_from("abc"), max_size=25).map(
    lambda labels: [example(7 * row, f"text {row}", label) for row, label in enumerate(labels)]
)


def example(row, text, target=None):
    return Example(row, {"text": text}, target)


def text_of(shown):
    return shown.fields["text"]


def vector_of(text):
    """Gives every text a direction of its own; texts that differ in case or stops a near one."""
    exact = np.random.default_rng(list(text.encode())).normal(size=6)
    alike = np.random.default_rng(list(normalised(text).encode())).normal(size=6)
    return alike + 0.01 * exact


def embed(examples):
    return np.array([vector_of(text_of(one)) for one in examples], dtype=np.float32)


def picker(train, *, k=4, select="balanced", order=None, per=None, seed=0, embed=embed):
    return DemonstrationPicker(
        train, k=k, select=select, order=order, per=per, seed=seed, text=text_of, embed=embed
    )


def picked(train, query="a query", **settings):
    """The demonstrations of one query."""
    [shown] = picker(train, **settings).pick([example(0, query)])
    return shown


def rows(examples):
    return [one.row for one in examples]


def cosines(examples, vector):
    """By their definition, in float64."""
    vectors = [vector_of(text_of(one)) for one in examples]
    return [v @ vector / np.linalg.norm(v) / np.linalg.norm(vector) for v in vectors]


@pytest.fixture
def train():
    return [example(row, f"text {row}", "abcd"[row * row % 7 % 4]) for row in range(30)]


@given(train=TRAINS, k=st.integers(0, 30), seed=SEEDS, settings=st.sampled_from(SETTINGS))
def test_at_most_k_of_the_training_rows(train, k, seed, settings):
    select, order, per = settings
    shown = picked(train, k=k, select=select, order=order, per=per, seed=seed)
    assert len(shown) == min(k, len(train))
    assert len(set(rows(shown))) == len(shown)
    assert all(one in train for one in shown)


@given(train=TRAINS, k=st.integers(0, 12), seed=SEEDS, settings=st.sampled_from(SETTINGS))
def test_choices_nest(train, k, seed, settings):
    select, order, per = settings
    fewer = rows(picked(train, k=k, select=select, order=order, per=per, seed=seed))
    more = rows(picked(train, k=k + 3, select=select, order=order, per=per, seed=seed))
    assert set(fewer) <= set(more)
    assert [row for row in more if row in fewer] == fewer  # and do not change their order


@given(train=TRAINS, k=st.integers(1, 12), seed=SEEDS, settings=BALANCED, own=st.integers(0, 30))
def test_balanced_goes_round_the_classes(train, k, seed, settings, own):
    select, order, per = settings
    query = f"text {own}"  # in many cases that of a training example
    shown = picked(train, query, k=k, select=select, order=order, per=per, seed=seed)
    seen = Counter(one.target for one in shown)
    had = Counter(one.target for one in train if text_of(one) != query)
    for label, count in had.items():
        for other in had:
            # A class is ahead of another by one at most, unless the other is used up.
            assert seen[label] <= seen[other] + 1 or seen[other] == had[other], (count, other)


@pytest.mark.parametrize(("select", "order", "per"), SETTINGS)
def test_the_order_of_the_rows_decides_nothing(select, order, per, train):
    choices = [
        picked(turned, k=8, select=select, order=order, per=per) for turned in (train, train[::-1])
    ]
    assert choices[0] == choices[1]


@pytest.mark.parametrize("per", ["draw", "query"])
@pytest.mark.parametrize("select", ["random", "balanced"])
def test_the_seed_decides(select, per):
    train = [example(row, "t", "ab"[row % 2]) for row in range(40)]
    choices = [picked(train, k=8, select=select, per=per, seed=seed) for seed in range(20)]
    assert len({tuple(rows(chosen)) for chosen in choices}) == 20


def test_the_order_mixes_classes_and_is_not_that_of_the_choice():
    train = [example(row, "t", "ab"[row % 2]) for row in range(40)]
    orders = set()
    for seed in range(30):
        shown = picked(train, k=4, select="balanced", seed=seed)
        orders.add("".join(str(one.target) for one in shown))
    assert len(orders) == 6  # every way to order two of each


@pytest.mark.parametrize(
    ("select", "per", "query", "expected"),
    [
        ("random", "draw", "a query", [8, 0, 1]),
        ("balanced", "draw", "a query", [8, 1, 4]),
        ("random", "query", "My card is lost!", [1, 7, 4]),
        ("balanced", "query", "My card is lost!", [4]),
    ],
)
def test_never_changes(select, per, query, expected):
    # Worked out with sha256sum from "3:ROW:choice", "3:ROW:choice:my card is lost" and
    # "3:ROW:order", not with this program.
    train = [example(row, "t", "b" if row in (4, 9) else "a") for row in range(10)]
    shown = picked(train, query, k=len(expected), select=select, per=per, seed=3)
    assert rows(shown) == expected


@pytest.mark.parametrize("k", [1, 5, 30])
def test_nearest_has_the_largest_cosines_and_the_largest_last(k, train):
    for query in ("a query", "another query", "text"):
        similar = cosines(train, vector_of(query))
        expected = np.argsort(similar)[-k:].tolist()
        assert rows(picked(train, query, k=k, select="nearest")) == expected


@pytest.mark.parametrize("select", SELECTIONS)
def test_nearest_last_changes_the_order_of_any_choice_and_nothing_else(select, train):
    chosen = picked(train, select=select, order="random", per="query")
    shown = picked(train, select=select, order="nearest_last", per="query")
    assert sorted(rows(chosen)) == sorted(rows(shown))
    similar = cosines(shown, vector_of("a query"))
    assert similar == sorted(similar)


def marginal_relevance(train, target, k):
    """Carbonell and Goldstein (1998), equation by equation, with half of each."""
    vectors = [vector_of(text_of(one)) for one in train]
    chosen = []
    for _ in range(k):
        best = None
        for place, relevance in enumerate(cosines(train, target)):
            seen = cosines([train[other] for other in chosen], vectors[place])
            gain = 0.5 * relevance - 0.5 * max(seen, default=0)
            if place not in chosen and (best is None or gain > best[0]):
                best = (gain, place)
        chosen.append(best[1])
    return {train[place].row for place in chosen}


@pytest.mark.parametrize("k", [1, 2, 6, 15])
def test_diverse_is_maximal_marginal_relevance(k, train):
    for query in ("a query", "another query"):
        shown = picked(train, query, k=k, select="diverse")
        assert set(rows(shown)) == marginal_relevance(train, vector_of(query), k)
        assert rows(shown) == rows(sorted(shown, key=lambda o: cosines([o], vector_of(query))))


@pytest.mark.parametrize("k", [1, 2, 6, 15])
def test_diverse_per_draw_is_relevant_to_the_centroid(k, train):
    vectors = [vector_of(text_of(one)) for one in train]
    centroid = np.mean([vector / np.linalg.norm(vector) for vector in vectors], axis=0)
    for query in ("a query", "another query"):
        shown = picked(train, query, k=k, select="diverse", per="draw")
        assert set(rows(shown)) == marginal_relevance(train, centroid, k)


def test_diverse_shows_less_of_the_same_than_nearest():
    vectors = {"a query": (1, 0), "one": (10, 1), "as one": (10, 1.1), "other": (5, -4)}
    train = [example(row, text, "a") for row, text in enumerate(list(vectors)[1:])]

    def embed(examples):
        return np.array([vectors[text_of(one)] for one in examples], dtype=np.float32)

    assert {text_of(o) for o in picked(train, k=2, select="nearest", embed=embed)} == {
        "one", "as one",
    }  # fmt: skip
    assert {text_of(o) for o in picked(train, k=2, select="diverse", embed=embed)} == {
        "one", "other",
    }  # fmt: skip


@pytest.mark.parametrize("select", ["nearest", "diverse"])
def test_the_seed_decides_between_equally_near_ones(select, train):
    def choose(train, seed, *, k=3, last_bits=1e-7):
        def embed(examples):  # all at the same angle to the query, but for the last bits
            noise = np.random.default_rng(0).normal(size=(len(examples), 6))
            direction = np.ones(6) if len(examples) > 1 else np.arange(6)
            return (direction + last_bits * noise).astype(np.float32)

        return rows(picked(train, k=k, select=select, embed=embed, seed=seed))

    assert len({tuple(choose(train, seed)) for seed in range(20)}) > 15
    for seed in range(5):
        chosen = choose(train, seed)
        assert chosen == choose(train[::-1], seed) == choose(train, seed, last_bits=0)
        assert chosen[-1:] == choose(train, seed, k=1)  # the first choice comes last


@pytest.mark.parametrize(("select", "order", "per"), SETTINGS)
def test_neither_the_query_nor_its_duplicates(select, order, per, train):
    query = example(3, "Text 3", None)
    doubles = [example(100, "TEXT  3", "a"), example(101, "text 3!", "b")]
    settings = {"k": 6, "select": select, "order": order, "per": per}
    shown = picker(train + doubles, **settings).pick([query, example(3, "a query")])
    assert len(shown[0]) == 6
    assert not {3, 100, 101} & set(rows(shown[0]))
    if (select, per) != ("diverse", "draw"):  # where the doubles count in the centroid
        without = [one for one in train if one.row != 3]
        assert shown[0] == picked(without, "text 3", **settings)
    # Only this query's list differs.
    assert shown[1] == picked(train + doubles, "a query", **settings)
    everything = picker(train + doubles, **{**settings, "k": 50}).pick([query])[0]
    assert set(rows(everything)) == set(range(30)) - {3}


def test_the_next_choice_takes_the_place_of_the_query(train):
    fixed = picker(train, k=5, select="random", per="draw")
    [usual] = fixed.pick([example(0, "a query")])
    for one in usual:
        [shown] = fixed.pick([one.without_target()])
        assert len(set(rows(shown)) - set(rows(usual))) == 1
        assert set(rows(usual)) - set(rows(shown)) == {one.row}


@pytest.mark.parametrize("per", ["draw", "query"])
def test_no_text_twice_among_those_chosen_by_similarity(per):
    texts = [f"text {row % 5}" + "!" * (row // 5) for row in range(15)]
    train = [example(row, text, "a") for row, text in enumerate(texts)]
    for select in ("diverse",) if per == "draw" else ("nearest", "diverse"):
        shown = picked(train, k=10, select=select, per=per)
        assert sorted(normalised(text_of(one)) for one in shown) == [f"text {n}" for n in range(5)]
    shown = picked(train, "text 2", k=10, select="nearest")
    best = {}  # of equal texts the nearest
    for one, similar in zip(train, cosines(train, vector_of("text 2")), strict=True):
        key = normalised(text_of(one))
        best[key] = max(best.get(key, (-1, None)), (similar, one.row))
    assert set(rows(shown)) == {row for key, (_, row) in best.items() if key != "text 2"}


@pytest.mark.parametrize(("select", "order", "per"), SETTINGS)
def test_a_query_has_the_same_demonstrations_whatever_else_is_asked(select, order, per, train):
    queries = [example(0, f"query {number}") for number in range(40)] + train[:5]
    settings = {"k": 6, "select": select, "order": order, "per": per}
    together = picker(train, **settings).pick(queries)
    one_by_one = picker(train, **settings)
    assert together == [one_by_one.pick([query])[0] for query in queries]


@pytest.mark.parametrize("select", SELECTIONS)
def test_per_query_it_is_the_text_that_decides_and_not_the_row(select, train):
    queries = [example(0, f"query {number}") for number in range(20)]
    shown = picker(train, select=select, order="random", per="query").pick(queries)
    assert len({tuple(rows(one)) for one in shown}) > 15
    renumbered = [example(99 - place, text_of(query)) for place, query in enumerate(queries)]
    assert picker(train, select=select, order="random", per="query").pick(renumbered) == shown


@pytest.mark.parametrize("select", ["random", "balanced"])
def test_per_draw_all_queries_see_the_same(select, train):
    queries = [example(row, f"query {row}") for row in range(20)]
    shown = picker(train, select=select).pick(queries)
    assert all(one == shown[0] for one in shown)
    shown[0].clear()  # each has a list of its own
    assert shown[1]


def test_grouped_labels_stay_together_as_the_choice_meets_them(train):
    similar = dict(zip(rows(train), cosines(train, vector_of("a query")), strict=True))
    seen = set()
    for seed in range(10):
        random = picked(train, k=12, select="nearest", order="random", seed=seed)
        shown = picked(train, k=12, select="nearest", order="label_grouped", seed=seed)
        groups = [label for label, _ in itertools.groupby(one.target for one in shown)]
        nearest_first = sorted(shown, key=lambda one: -similar[one.row])
        assert groups == list(dict.fromkeys(one.target for one in nearest_first))
        for label in groups:
            assert [o for o in shown if o.target == label] == [
                o for o in random if o.target == label
            ]
        seen.add(tuple(rows(shown)))
    assert len(seen) > 5  # the seed decides inside a group


@pytest.mark.parametrize(("select", "order", "per"), SETTINGS)
def test_nothing_is_encoded_that_nothing_asks_for(select, order, per, train):
    calls = []

    def counting(examples):
        calls.append(len(examples))
        return embed(examples)

    settings = {"select": select, "order": order, "per": per, "embed": counting}
    queries = [example(row, f"query {row}") for row in range(7)]
    assert picker(train, k=0, **settings).pick(queries) == [[]] * 7
    assert picker([], k=4, **settings).pick(queries) == [[]] * 7
    assert calls == []
    asked = picker(train, k=4, **settings)
    assert asked.pick([]) == []
    assert calls == ([30] if needs_encoder(select, order) else [])
    asked.pick(queries)
    asked.pick(queries[:2])
    if not needs_encoder(select, order):
        assert calls == []
    elif per == "draw":
        assert calls == [30]
    else:
        assert Counter(calls) == Counter([30, 7, 2])


@pytest.mark.parametrize(
    ("select", "order", "per", "natural"),
    [
        ("random", None, None, ("random", "draw")),
        ("balanced", None, None, ("random", "draw")),
        ("balanced", None, "query", ("random", "query")),
        ("nearest", None, None, ("nearest_last", "query")),
        ("diverse", None, None, ("nearest_last", "query")),
        ("diverse", None, "draw", ("random", "draw")),
        ("nearest", "label_grouped", None, ("label_grouped", "query")),
        ("random", "nearest_last", "query", ("nearest_last", "query")),
    ],
)
def test_what_is_natural(select, order, per, natural, train):
    assert check_settings(select, order, per) == natural
    as_meant = dict(zip(("order", "per"), natural, strict=True))
    assert picked(train, select=select, order=order, per=per) == picked(
        train, select=select, **as_meant
    )


@pytest.mark.parametrize(
    ("select", "order", "per", "hint"),
    [
        ("nearest", None, "draw", "select=diverse,order=random,per=draw"),
        ("nearest", "nearest_last", "draw", "select=diverse,order=random,per=draw"),
        ("random", "nearest_last", None, "order=random,per=draw"),
        ("balanced", "nearest_last", "draw", "order=random,per=draw"),
        ("diverse", "nearest_last", "draw", "order=random,per=draw"),
    ],
)
def test_nearest_is_refused_where_there_is_no_query(select, order, per, hint, train):
    for refused in (
        lambda: check_settings(select, order, per),
        lambda: picker(train, select=select, order=order, per=per),
    ):
        with pytest.raises(UserError, match="near to no query") as error:
            refused()
        assert "per=query" in error.value.expected
        assert hint in error.value.hint


def test_which_settings_need_an_encoder():
    needing = {(s, o) for s in SELECTIONS for o in (*ORDERS, None) if needs_encoder(s, o)}
    assert {select for select, order in needing if order == "random"} == {"nearest", "diverse"}
    assert {select for select, order in needing if order is None} == {"nearest", "diverse"}
    assert {select for select, order in needing if order == "nearest_last"} == set(SELECTIONS)


def test_an_encoder_that_was_not_given_is_a_programming_error(train):
    with pytest.raises(TypeError, match="no encoder"):
        picked(train, select="nearest", embed=None)
    assert picked(train, select="random", embed=None)
