import json
import re
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.lookup import shipped
from harness.tasks.definition import json_schema, read_definition
from harness.tasks.kinds import KINDS

LABELS = "labels: [greet, leave, pay]"
FILES = "files: {train: train.csv, test: test.csv}"


def message_of(path):
    with pytest.raises(UserError) as caught:
        read_definition(path)
    return str(caught.value)


def test_a_definition_needs_no_data(toy, folder):
    path = toy()
    (folder / "train.csv").unlink()
    file = read_definition(path)
    assert (file.name, file.definition.version, file.definition.kind) == (
        "toy",
        "1",
        "single_label",
    )
    assert [spec.label().name for spec in file.definition.labels] == ["greet", "leave", "pay"]
    assert file.definition.metrics is None


def test_a_folder_gives_its_name(toy, folder):
    (folder / "mine").mkdir()
    toy().rename(folder / "mine" / "task.yaml")
    assert read_definition(folder / "mine").name == "mine"


@pytest.mark.parametrize(
    ("written", "verbalizer"),
    [
        ("Refund_not_showing_up", "Refund not showing up"),
        ("reverted_card_payment?", "reverted card payment?"),
        ("a-b", "a-b"),
        ("007", "007"),
        ("None", "None"),
        ("{name: a_b, verbalizer: A B!}", "A B!"),
        ("{name: a_b, description: x}", "a b"),
    ],
)
def test_verbalizers(toy, written, verbalizer):
    file = read_definition(toy([(LABELS, f"labels: [{written}, yes]")]))
    assert [spec.label().verbalizer for spec in file.definition.labels] == [verbalizer, "yes"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1\n", "", "toy.yaml:2: version: this key is missing"),
        ("version: 1", "version:", "toy.yaml:2: version: this key has no value"),
        ("kind: single_label", "kind: single_lable", "did you mean 'single_label'?"),
        ("kind: single_label", "", "a task needs a kind"),
        ("kind: single_label", "kind: [a]", "toy.yaml:3: kind: a task needs a kind"),
        ("licence:", "license:", "toy.yaml:11: license: unknown key"),
        ("licence:", "license:", "did you mean 'licence'?"),
        ("licence:", "name: yot\nlicence:", "toy.yaml:11: name: the name differs from the file's"),
        ("    label: label\n", "", "toy.yaml:5: data[0].label: this key is missing"),
        ("    fields: {text: text}\n", "", "data[0].fields: this key is missing"),
        ("{text: text}", "{}", "toy.yaml:6: data[0].fields"),
        ("{text: text}", "{a b: text}", "toy.yaml:6: data[0].fields.a b"),
        (FILES, "files: {tran: a.csv}", "did you mean 'train'?"),
        (FILES, "files: {all: a.csv, test: b.csv}", "`all` stands beside other splits"),
        (FILES, "files: {test: ../b.csv}", "data[0].files.test: this path leads out of its folder"),
        (FILES, "files: {test: /b.csv}", "data[0].files.test: this path leads out of its folder"),
        (FILES, "config: x", "exactly one of `files` and `hub`"),
        (FILES, FILES + "\n    hub: a/b", "exactly one of `files` and `hub`"),
        (FILES, FILES + "\n    revision: x", "revision: this key does not go with `files`"),
        (FILES, "hub: a/b\n    format: csv", "format: this key does not go with `hub`"),
        (FILES, "hub: a/b/c", "data[0].hub"),
        (FILES, "files: {test: b.cvs}", "did you mean '.csv'?"),
        (FILES, "files: {train: a.jsonl, test: b.csv}", "the format cannot be told"),
        (FILES, FILES + "\n    format: cvs", "toy.yaml:6: data[0].format: there is no data format"),
        (FILES, FILES + "\n    sha256: {train: abc}", "toy.yaml:6: data[0].sha256.train"),
        (
            FILES,
            FILES + f"\n    sha256: {{validation: {'0' * 64}}}",
            "sha256.validation: unknown name",
        ),
        (FILES, FILES + "\n    types: {txt: number}", "did you mean 'text'?"),
        (FILES, FILES + "\n    types: {text: nmber}", "did you mean 'number'?"),
        (LABELS, "labels: [greet]", "toy.yaml:8: labels"),
        (LABELS, "labels: [greet, leave, greet]", "labels[2]: two labels have the same name"),
        (LABELS, "labels: [a_b, a b]", "labels[1]: two labels have the same verbalizer"),
        (
            LABELS,
            "labels:\n- a\n- {name: b, verbalizer: ' '}",
            "toy.yaml:10: labels[1]: this verbalizer",
        ),
        (LABELS, "labels: [greet, none]", "the out-of-scope label stands among the labels"),
        (LABELS, "labels: [{nam: greet}, leave]", "did you mean 'name'?"),
        (LABELS, "splits: {test: 0}", "splits.test"),
        (LABELS, "splits: {test: 1.5}", "splits.test: wrong value"),
        (LABELS, "splits: {test: 0.5, sed: 1}", "did you mean 'seed'?"),
    ],
)
def test_mistakes(toy, old, new, expected):
    assert expected in message_of(toy([(old, new)]))


def test_json_schema_accepts_what_we_accept():
    schema = json_schema()
    json.dumps(schema)
    tasks = [schema["$defs"][one["$ref"].rpartition("/")[2]] for one in schema["anyOf"]]
    *kinds, including = tasks
    assert {task["properties"]["kind"]["const"] for task in kinds} == set(KINDS.entries())
    assert all({"version", "kind", "data"} == set(task["required"]) for task in kinds)
    assert including["required"] == ["include"]
    assert including["properties"].keys() == {"include"}.union(*(t["properties"] for t in kinds))
    (task,) = (one for one in kinds if one["properties"]["kind"]["const"] == "single_label")
    assert task["additionalProperties"] is False
    assert "number" in task["properties"]["version"]["type"]
    (label, _) = task["properties"]["labels"]["anyOf"]
    assert [option.get("type") or option["$ref"] for option in label["items"]["anyOf"]] == [
        ["string", "number", "boolean"],
        "#/$defs/LabelSpec",
    ]


def test_the_readme_has_every_key_and_its_example_is_right(folder):
    page = (shipped("tasks") / "README.md").read_text("utf-8")
    models = [*json_schema()["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", {})}
    assert {"slots", "separator", "answer_is", "group", "include", "verbalizer"} <= keys
    assert sorted(key for key in keys if f"`{key}`" not in page and f"{key}," not in page) == []
    assert all(f"| `{kind}` |" in page for kind in KINDS.entries())
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    for number, example in enumerate(examples):
        path = folder / f"example_{number}.yaml"
        path.write_text(example)
        assert read_definition(path).definition.kind == "single_label"
    assert len(examples) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("include: toy.yaml\nlabls: [a, b]\n", "mine.yaml:2: labls: unknown key"),
        ("include: toy.yaml\nkind: multi_label\n", "toy.yaml:7: data[0].label: unknown key"),
        ("include: toy.yaml\nlabels: [a]\n", "mine.yaml:2: labels"),
        ("include: toy.yaml\nversion:\n", "mine.yaml:2: version: this key has no value"),
        ("include: toy.yaml\nout_of_scope: pay\n", "toy.yaml:8: labels[2]: the out-of-scope label"),
        ("include: toy.yaml\nname: other\n", "mine.yaml:2: name: the name differs"),
    ],
)
def test_a_mistake_is_said_of_the_file_it_is_in(toy, folder, text, expected):
    toy()
    (folder / "mine.yaml").write_text(text)
    assert expected in message_of(folder / "mine.yaml")


def test_a_name_is_not_inherited(toy, folder):
    toy([("version: 1", "version: 1\nname: toy")])
    (folder / "mine.yaml").write_text("include: toy.yaml\n")
    assert read_definition(folder / "mine.yaml").name == "mine"


PIECES = st.sampled_from(
    [*":-[]{},#&*!|>'\"%@`?~\n \t\\", "\n  ", "- ", ": ", "\x00", "é", "\u2028"]
)
EDITS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 12), PIECES | st.text(max_size=3)), max_size=4
)


@given(EDITS)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_loads_or_says_what_is_wrong(folder, toy, edits):
    text = toy().read_text()
    for place, length, piece in edits:
        text = text[:place] + piece + text[place + length :]
    (folder / "toy.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read_definition(folder / "toy.yaml")
        except UserError as error:
            message = str(error)
        else:
            message = "toy.yaml still loads"
    assert "toy.yaml" in message
