"""Prompts in a run: each is scored once for all calibrations, and charged to all that use it."""

import csv

import pytest

from harness.methods.prompted import Prompted
from harness.models.causal_lm import LocalCausalLM
from harness.models.room import ModelRoom
from harness.reports.table import run_table
from harness.runs.execute import execute
from harness.store.cells import CellStore
from harness.store.manifest import read_manifest

TEST_ROWS, TRAIN_ROWS = 8, 24
CHAT = (
    "{% for turn in messages %}[{{ turn.role }}]{{ turn.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)

pytestmark = pytest.mark.filterwarnings("ignore:.*holds the run of another command")


@pytest.fixture
def tokens():
    """Gives the tokens charged to the one cell of a run."""

    def tokens(run_dir):
        [cell] = read_manifest(run_dir).cells
        return CellStore(run_dir).costs(cell.identity)["tokens"]

    return tokens


@pytest.fixture
def many_rows(task_file):
    """A task of 600 test rows: three blocks."""
    test = [f"s{n},{'ab' * (n % 3)} {n},{'ab'[n % 2]}" for n in range(600)]
    return task_file("many", test=test)


@pytest.fixture
def long_texts(task_file):
    """A task of four test rows and four training texts, one of each longer than 256 tokens."""
    long = " ".join(f"number {n}" for n in range(150))
    train = [f"one,1,a\ntwo,2,b\nthree,{long},a\nfour,4,b"]
    return task_file("long", train=train, test=["x,1,a", "y,2,b", f"z,{long},a", "w,4,b"])


@pytest.mark.parametrize(
    ("first", "prompts"),
    [
        ("zero_shot", {"domain": TRAIN_ROWS, "batch": 0, "content_free": 3}),
        # Those it shows are not among what calibrates it.
        ("few_shot:k=2", {"domain": TRAIN_ROWS - 2, "chosen": 0, "batch": 0, "content_free": 3}),
    ],
)
def test_all_calibrations_share_one_scoring_of_the_rows(run, first, prompts):
    def count(calibration, more=""):
        colon = "" if ":" in first else ":"
        method = f"{first}{colon},calibration={calibration}{more}"
        outcome, _ = run(method, labels=["all"], draws=1)
        assert (outcome.computed, outcome.failures) == (1, {})
        return outcome.prompts_run

    assert count("none") == TEST_ROWS
    assert {calibration: count(calibration) for calibration in prompts} == prompts
    for more in ("mean=probability", "score=token", "score=byte", "temperature=2", "spread=0"):
        assert count("domain", f",{more}") == 0
    assert count("domain", ",score=pmi") == 1  # the answer cue alone


def test_draws_of_fewer_texts_share_them_too(run):
    def count(texts):
        return run(f"zero_shot:texts={texts}")[0].prompts_run

    assert [count(10), count(4), count(12), count(99)] == [TEST_ROWS + 10, 0, 2, TRAIN_ROWS - 12]


@pytest.mark.parametrize("calibration", ["content_free", "domain", "batch"])
def test_what_calibrates_is_charged_by_its_tokens(plan, tokens, tmp_path, models, calibration):
    room = ModelRoom(tmp_path / "outputs")
    model = room.causal_lm(models[0].partition(":")[2])
    execute(plan("zero_shot:calibration=none"), tmp_path / "none", room)
    assert tokens(tmp_path / "none") == model.tokens_run
    execute(plan(f"zero_shot:calibration={calibration}"), tmp_path / "with", room)
    assert tokens(tmp_path / "with") == model.tokens_run
    more = tokens(tmp_path / "with") - tokens(tmp_path / "none")
    assert (more > 0) == (calibration != "batch")  # the test inputs are paid for already


def test_nearest_demonstrations_use_both_models(run):
    outcome, run_dir = run("few_shot:k=2,select=nearest", draws=1)
    assert (outcome.computed, outcome.failures) == (1, {})
    assert outcome.texts_encoded > TEST_ROWS
    assert outcome.prompts_run == TEST_ROWS  # nothing calibrates them
    assert run_table(run_dir)["model"].tolist() == ["tiny-llama + whole"]
    again, _ = run("few_shot:k=3,select=nearest", draws=1)
    assert again.texts_encoded == 0
    assert run("few_shot:k=2", draws=1)[0].texts_encoded == 0


def test_a_task_of_test_rows_alone(run, task_file, cell_bytes):
    source = {"fields": {"text": "subject"}, "label": "label"}
    path = task_file("bare", data=[source | {"files": {"test": "test.csv"}}])
    asked = {"task": [str(path)]}
    outcome, run_dir = run("zero_shot:calibration=domain", **asked)
    assert (outcome.failures, outcome.prompts_run) == ({}, 8 + 3)
    warnings = run_table(run_dir)["warnings"].tolist()
    assert "no unlabelled texts: calibrated on texts without content" in warnings[0]
    other, other_dir = run("zero_shot:calibration=content_free", folder="other", **asked)
    assert other.prompts_run == 0
    assert "calibrated" not in run_table(other_dir)["warnings"].tolist()[0]
    predictions = [
        [data for name, data in cell_bytes(folder).items() if name.endswith(".parquet")]
        for folder in (run_dir, other_dir)
    ]
    assert predictions[0] == predictions[1]


def test_transductive_rows_say_so(run):
    _, run_dir = run("zero_shot:calibration=batch", "zero_shot")
    batch, domain = run_table(run_dir)["warnings"]
    assert "transductive: calibrated on the test inputs" in batch
    assert "transductive" not in domain


@pytest.mark.parametrize("method", ["zero_shot:calibration=batch",
                                    "few_shot:k=2,calibration=batch,select=nearest"])  # fmt: skip
@pytest.mark.parametrize("cache", ["kept", "lost"])
def test_a_killed_cell_ends_with_the_same_bytes(
    run, many_rows, cell_bytes, unmeasured, monkeypatch, method, cache
):
    asked = {"task": [str(many_rows)], "draws": 1, "labels": ["all"]}
    _, whole = run(method, folder="whole", cache="whole", **asked)
    predict, blocks = Prompted.predict, []

    def interrupted(self, examples):
        blocks.append(len(examples))
        if len(blocks) in (2, 4):
            raise KeyboardInterrupt
        return predict(self, examples)

    monkeypatch.setattr(Prompted, "predict", interrupted)
    for number in range(3):
        where = "killed" if cache == "kept" else f"killed{number}"
        if number < 2:
            with pytest.raises(KeyboardInterrupt):
                run(method, folder="killed", cache=where, **asked)
        else:
            _, killed = run(method, folder="killed", cache=where, **asked)
    assert blocks == [256, 256, 256, 88, 88]
    assert cell_bytes(killed) == cell_bytes(whole)
    assert unmeasured(killed) == unmeasured(whole)


def test_what_was_scored_before_a_kill_is_not_scored_again(run, many_rows, monkeypatch):
    asked = {"task": [str(many_rows)], "draws": 1}
    score, calls = LocalCausalLM.label_loglikelihoods, []

    def interrupted(self, prompts, continuations):
        calls.append(len(prompts))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score(self, prompts, continuations)

    monkeypatch.setattr(LocalCausalLM, "label_loglikelihoods", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("zero_shot:calibration=batch", **asked)
    outcome, _ = run("zero_shot:calibration=batch", **asked)
    assert calls[:3] == [256, 256, 256]
    assert outcome.prompts_run == 600 - 256  # only the first block had been scored


def test_rows_whose_prompts_were_too_long_are_counted(run, long_texts):
    asked = {"task": [str(long_texts)], "labels": ["all"], "draws": 2}
    methods = ["zero_shot", "few_shot:k=4", "tfidf"]
    outcome, run_dir = run(*methods, **asked)
    assert outcome.failures == {}
    with (run_dir / "table.csv").open(newline="") as file:
        zero, four, tfidf = csv.DictReader(file)
    assert (zero["draws"], zero["shortened_rows"]) == ("1", "1")  # not those that calibrate
    assert (four["draws"], four["shortened_rows"]) == ("2", "8")  # every row in both draws
    assert tfidf["shortened_rows"] == "0"


def test_conversations_of_a_model_without_a_chat_template(run, monkeypatch):
    monkeypatch.setattr(LocalCausalLM, "engine", property(lambda _: 1 / 0))
    outcome, run_dir = run("zero_shot", "few_shot:k=2,chat=false", "tfidf", chat=True, draws=1)
    refused, failed = outcome.failures.values()
    assert refused.startswith("tiny-llama has no chat template")
    assert "without --chat" in refused
    assert "ZeroDivisionError" in failed  # plain text goes on to the model
    assert outcome.computed == 1
    warnings = run_table(run_dir)["warnings"]
    assert "tiny-llama has no chat template" in warnings[0]
    assert not (run_dir / "errors" / f"{next(iter(outcome.failures))}.txt").exists()


def test_conversations(run, models, tiny_causal_lm_folder, make_tokenizer, tmp_path):
    import shutil

    folder = tmp_path / "chatting"
    shutil.copytree(tiny_causal_lm_folder, folder)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    asked = {"model": [f"causal_lm:{folder}", models[1]], "draws": 1}
    outcome, run_dir = run(
        "zero_shot", "few_shot:k=2", "few_shot:k=2,chat=false", chat=True, **asked
    )
    assert outcome.failures == {}
    table = run_table(run_dir)
    assert table["settings"].tolist() == ["chat=True", "chat=True,k=2", "k=2"]
    probabilities = [
        CellStore(run_dir).predictions(cell.identity).predictions
        for cell in read_manifest(run_dir).cells
    ]
    assert probabilities[1] != probabilities[2]
