"""A cell's identity: changes with everything that can change predictions, and with nothing else."""

import dataclasses
from importlib.metadata import version as real_version

import pytest

from harness.core.types import Example, Label
from harness.methods import METHODS
from harness.methods.spec import parse_method
from harness.prompts.template import load_prompt
from harness.runs import identity as identity_module
from harness.runs.identity import cell_record, cell_seed, hash_examples, identity_of
from harness.tasks.definition import load_kind

LABELS = (Label("a", "word a", "what a means"), Label("b", "word b"))
TRAIN = (Example(0, {"text": "x"}, "a"), Example(3, {"text": "y"}, "b"))
UNLABELLED = (Example(7, {"text": "z"}),)
METHOD_NAMES = [entry.name for entry in METHODS]


SOURCE = {"files": {"train": "t.csv"}, "fields": {"text": "text"}, "label": "label"}


def rules(name="single_label", **keys):
    kind = load_kind(name)
    return kind(kind.schema(version="1", kind=name, data=[SOURCE], **keys))


def record(method="tfidf", **changes):
    spec = parse_method(method)
    given = {
        "rules": rules(),
        "labels": LABELS,
        "train": TRAIN,
        "test_hash": "test",
        "seed": 1,
        "prompt": load_prompt("intent_v1") if "prompt" in spec.uses else None,
        "models": {kind: f"sha256:{kind}" for kind in spec.models},
        "unlabelled": UNLABELLED if "unlabelled" in spec.uses else (),
    }
    return cell_record(spec=spec, **(given | changes))


def identity(method="tfidf", **changes):
    return identity_of(record(method, **changes))


def changes_with(use, **changes):
    """The methods whose identity is another one with these changes are those that have a use."""
    changed = [name for name in METHOD_NAMES if identity(name) != identity(name, **changes)]
    assert changed == [entry.name for entry in METHODS if use(entry)]


def always(entry):
    return True


def needed_by(entry):
    """The kinds of model that a method needs with its default settings."""
    return parse_method(entry.name).models


def test_it_is_the_same_for_the_same():
    for name in METHOD_NAMES:
        assert identity(name) == identity(name)
        assert len(identity(name)) == 24
    assert len({identity(name) for name in METHOD_NAMES}) == len(METHOD_NAMES)


@pytest.mark.parametrize(
    "train",
    [
        TRAIN[:1],
        TRAIN[::-1],
        (*TRAIN, TRAIN[0]),
        (dataclasses.replace(TRAIN[0], row=1), TRAIN[1]),
        (dataclasses.replace(TRAIN[0], target="b"), TRAIN[1]),
        (dataclasses.replace(TRAIN[0], fields={"text": "x "}), TRAIN[1]),
        (dataclasses.replace(TRAIN[0], fields={"body": "x"}), TRAIN[1]),
    ],
)
def test_the_rows_of_the_draw(train):
    changes_with(lambda entry: "labels" in entry.uses, train=train)


def test_the_test_rows():
    changes_with(always, test_hash="other")


def test_the_seed_where_it_is_used():
    changes_with(lambda entry: "seed" in entry.uses, seed=2)


def test_the_words_of_the_labels_where_they_are_used():
    described = (dataclasses.replace(LABELS[0], description="another"), LABELS[1])
    changes_with(lambda entry: "label_words" in entry.uses, labels=described)
    reworded = (dataclasses.replace(LABELS[0], verbalizer="another"), LABELS[1])
    changes_with(lambda entry: "label_words" in entry.uses, labels=reworded)


@pytest.mark.parametrize(
    "labels", [LABELS[:1], LABELS[::-1], (dataclasses.replace(LABELS[0], name="c"), LABELS[1])]
)
def test_the_names_of_the_labels_and_their_order(labels):
    changes_with(always, labels=labels)


def test_the_task_kind():
    changes_with(always, rules=rules("ordinal"))


def test_the_out_of_scope_label_that_rows_may_be_given():
    changes_with(always, rules=rules(out_of_scope="other"))


def test_what_else_the_task_yaml_says_changes_nothing():
    changes_with(lambda _: False, rules=rules(description="d", notes="n", metrics=["accuracy"]))


def test_the_model():
    for entry in METHODS:
        needed = parse_method(entry.name).models
        assert record(entry.name).get("models", {}).keys() == {*needed}
        for kind in needed:
            other = {one: "sha256:others" if one == kind else f"sha256:{one}" for one in needed}
            assert identity(entry.name, models=other) != identity(entry.name)


def test_demonstrations_by_embeddings_have_two_models():
    name = "few_shot:select=nearest"
    both = {"causal_lm": "sha256:causal_lm", "encoder": "sha256:encoder"}
    assert record(name)["models"] == both
    assert set(record(name)["outputs"]) == {"causal_lm", "encoder"}
    for kind in both:
        assert identity(name, models=both | {kind: "sha256:others"}) != identity(name)
    assert record("few_shot")["models"] == {"causal_lm": "sha256:causal_lm"}


@pytest.mark.parametrize(
    ("method", "counts"),
    [
        ("zero_shot", True),
        ("zero_shot:calibration=domain", True),
        ("few_shot:calibration=chosen", True),
        ("zero_shot:calibration=none", False),
        ("zero_shot:calibration=content_free", False),
        ("zero_shot:calibration=batch", False),
        ("few_shot:calibration=none", False),
    ],
)
def test_unlabelled_texts_where_calibration_reads_them(method, counts):
    for others in ((), UNLABELLED * 2, (Example(7, {"text": "y"}),)):
        assert (identity(method, unlabelled=others) != identity(method)) == counts


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_settings_by_value_and_not_by_spelling(name):
    from harness.methods.spec import describe_settings

    entry = METHODS.get(name)
    for setting, default, _ in describe_settings(entry):
        if isinstance(default, int | float):
            other = default / 2 if isinstance(default, float) else default + 1
            assert identity(f"{name}:{setting}={default}") == identity(name)
            assert identity(f"{name}:{setting}={other}") != identity(name)
    assert identity("tfidf:C=1") == identity("tfidf:C=1.0") != identity("tfidf")


def test_the_version_of_the_method(monkeypatch):
    before = {name: identity(name) for name in METHOD_NAMES}
    raised = dataclasses.replace(METHODS.get("tfidf"), version=99)
    monkeypatch.setitem(METHODS.entries(), "tfidf", raised)
    assert [name for name in METHOD_NAMES if identity(name) != before[name]] == ["tfidf"]


@pytest.mark.parametrize(
    ("library", "who"),
    [
        ("scikit-learn", lambda entry: "scikit-learn" in entry.libraries),
        ("sentence-transformers", lambda entry: "encoder" in needed_by(entry)),
        ("pandas", lambda entry: entry.name == "none of them"),
    ],
)
def test_the_versions_of_libraries_that_matter(monkeypatch, library, who):
    before = {name: identity(name) for name in METHOD_NAMES}
    monkeypatch.setattr(
        identity_module, "version", lambda name: "0" if name == library else real_version(name)
    )
    changed = [name for name in METHOD_NAMES if identity(name) != before[name]]
    assert changed == [entry.name for entry in METHODS if who(entry)]


def test_how_the_machine_computes_where_a_model_does(monkeypatch):
    before = {name: identity(name) for name in METHOD_NAMES}
    monkeypatch.setattr(identity_module, "numerics", lambda: {"device": "abacus"})
    changed = [name for name in METHOD_NAMES if identity(name) != before[name]]
    assert changed == [entry.name for entry in METHODS if needed_by(entry)]


@pytest.mark.parametrize(
    ("constant", "kind"), [("ENCODING_VERSION", "encoder"), ("SCORING_VERSION", "causal_lm")]
)
def test_the_version_of_the_code_that_runs_models(monkeypatch, constant, kind):
    before = {name: identity(name) for name in METHOD_NAMES}
    monkeypatch.setattr(identity_module, constant, 1000)
    changed = [name for name in METHOD_NAMES if identity(name) != before[name]]
    assert changed == [entry.name for entry in METHODS if kind in needed_by(entry)]


def test_what_a_prompt_says_and_not_what_it_is_called(prompt_file):
    def of(*args, **changes):
        return identity("zero_shot", prompt=load_prompt(str(prompt_file(*args, **changes))))

    same = {of(), of("renamed_v2"), of(description="Other words."), of(kinds=["single_label", "x"])}
    assert len(same) == 1
    other = [of(input="{{ text }}"), of(answer="Is: {{ label }}"), of(instruction="Say."),
             of(separator="\n")]  # fmt: skip
    assert len({*same, *other}) == 5


def test_hash_of_examples():
    assert hash_examples(TRAIN) == hash_examples(list(TRAIN))
    one = [Example(0, {"a": "x", "b": "y"})]
    swapped = [Example(0, {"b": "y", "a": "x"})]
    assert hash_examples(one) != hash_examples(swapped)
    assert hash_examples([Example(0, {"a": 1})]) != hash_examples([Example(0, {"a": "1"})])
    assert hash_examples([Example(0, {"a": None})]) != hash_examples([Example(0, {"a": ""})])


def test_seeds_of_draws_fit_every_library_and_differ():
    seeds = [cell_seed(seed, draw) for seed in range(20) for draw in range(20)]
    assert len(set(seeds)) == 400
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_seed_of_a_draw_is_held():
    # sha256 of "cell:0:0", its first 8 hexadecimal digits, less the highest bit.
    assert cell_seed(0, 0) == 0x02F2A7BE


# The rest is about plans: what changes a cell's identity on the way from the files of a user.


@pytest.fixture
def cells(make_plan, tiny_causal_lm_folder, tiny_encoder_folder):
    """Gives the identities of an experiment's cells, in order."""

    def cells(path, **changes):
        asked = {
            "model": [f"causal_lm:{tiny_causal_lm_folder}", f"encoder:{tiny_encoder_folder}"],
            "labels": ["2/class"],
            "draws": 2,
        } | changes
        return [cell.row.identity for cell in make_plan(task=[str(path)], **asked).cells]

    return cells


def test_nothing_else_changes_an_identity(cells, task_file, tmp_path):
    before = cells(task_file())
    assert (
        cells(task_file(description="Others.", citation="A.", licence="B.", notes="C.")) == before
    )
    assert cells(task_file("renamed")) == before
    assert cells(task_file("again", files=("a.csv", "b.csv"))) == before
    assert cells(task_file(version="2", metrics=["accuracy"])) == before
    assert cells(task_file(), out=str(tmp_path / "other")) == before
    assert cells(task_file(), data_dir=str(tmp_path)) == before
    shuffled = cells(task_file(), method=["tfidf", "majority"])
    assert shuffled == before[2:4] + before[:2]
    assert cells(task_file(), draws=5, labels=["2/class,3/class"])[:2] == before[:2]


def test_labels_of_test_rows_do_not_count(cells, task_file):
    rows = [f"s{n},b,{label}" for n, label in enumerate("aabb")]
    turned = [f"s{n},b,{label}" for n, label in enumerate("abab")]
    assert cells(task_file(test=rows)) == cells(task_file(test=turned))
    assert not set(cells(task_file(test=rows))) & set(cells(task_file(test=rows[::-1])))


def test_what_was_not_drawn_does_not_count(cells, task_file, tmp_path, all_methods):
    (tmp_path / "rows.json").write_text("[[0, 1]]")
    asked = {"labels": [f"rows:{tmp_path / 'rows.json'}"]}
    rows = ["s,1,a", "s,2,b", "s,3,a"]
    reads = ("zero_shot", "few_shot", "self_training")
    alone = [name for name in all_methods if not name.startswith(reads)]
    alone += ["zero_shot:calibration=none", "few_shot:calibration=batch"]
    reading = [*reads, "few_shot:calibration=chosen"]  # the pool without labels

    def identities(train, methods):
        return cells(task_file(train=train), method=methods, **asked)

    assert identities(rows, alone) == identities(rows[:2], alone)
    assert not {*identities(rows, reading)} & {*identities(rows[:2], reading)}
    relabelled = [*rows[:2], "s,3,b"]
    assert identities(rows, reading) == identities(relabelled, reading)


def test_a_tasks_own_unlabelled_texts_count_where_they_are_read(cells, task_file):
    path = task_file()
    content = path.read_text().replace(
        '"test": "test.csv"', '"test": "test.csv", "unlabelled": "more.csv"'
    )

    def identities(rows):
        (path.parent / "more.csv").write_text("\n".join(["subject,body", *rows]) + "\n")
        path.write_text(content)
        asked = {"method": ["zero_shot:calibration=none", "zero_shot"], "draws": 1}
        return cells(path, **asked)

    (none, domain), (same, other) = identities(["one,1"]), identities(["one,1", "two,2"])
    assert none == same
    assert domain != other


def test_a_draws_number_counts_for_what_is_random_alone(cells, task_file, tmp_path):
    (tmp_path / "rows.json").write_text("[[0, 1], [0, 1]]")
    found = cells(
        task_file(),
        labels=[f"rows:{tmp_path / 'rows.json'}"],
        method=["tfidf", "prototypes", "few_shot", "fine_tune"],
    )
    assert [found[place] == found[place + 1] for place in (0, 2, 4, 6)] == [
        True,
        True,
        False,
        False,
    ]


def test_the_runs_seed_does_not_count_where_all_rows_are_taken(cells, task_file):
    asked = {"labels": ["all"], "method": ["tfidf", "zero_shot", "prototypes"]}
    assert cells(task_file(), seed=1, **asked) == cells(task_file(), seed=2, **asked)
    assert cells(task_file(), seed=1) != cells(task_file(), seed=2)


def test_a_copy_of_a_model_is_the_same_model(cells, task_file, tiny_encoder_folder, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(tiny_encoder_folder, copy)
    asked = {"method": ["prototypes"], "draws": 1}
    before = cells(task_file(), **asked)
    assert cells(task_file(), model=[f"encoder:{copy}"], **asked) == before
    (weights,) = copy.rglob("*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert cells(task_file(), model=[f"encoder:{copy}"], **asked) != before


def test_more_test_rows_are_another_cell(cells, task_file):
    assert not set(cells(task_file())) & set(cells(task_file(), limit=3))
