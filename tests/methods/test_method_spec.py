import pytest

from harness.core.errors import UserError
from harness.methods import METHODS
from harness.methods.spec import describe_settings, parse_method


def test_settings_are_read_converted_and_stored():
    spec = parse_method(" linear_probe : C = 1 , max_iter=100")
    defaults = {"classifier": "logistic", "seed": 0, "threshold": None, "label_examples": 2}
    assert spec.settings == {"C": 1.0, "max_iter": 100, **defaults}
    assert spec.given == "C=1.0,max_iter=100"
    assert spec.build().stored_settings() == spec.settings


def test_defaults_are_stored_and_not_shown():
    assert parse_method("majority").settings == {}
    settings = parse_method("few_shot").settings
    assert (settings["k"], settings["select"], settings["order"]) == (8, "balanced", None)
    for text in ("few_shot", "few_shot:", "few_shot:k=8,select=balanced", "few_shot:,,"):
        assert parse_method(text).given == ""


@pytest.mark.parametrize("entry", list(METHODS), ids=lambda entry: entry.name)
def test_what_is_shown_can_be_read_again(entry):
    changed = {"C": "2.5", "k": "3", "select": "random", "text": "names", "scale": "4.5",
               "seed": "7", "epochs": "2"}  # fmt: skip
    own = [name for name, _, _ in describe_settings(entry) if name in changed]
    spec = parse_method(f"{entry.name}:" + ",".join(f"{name}={changed[name]}" for name in own))
    assert parse_method(f"{entry.name}:{spec.given}") == spec
    assert len(spec.given.split(",")) == max(len(own), 1)


@pytest.mark.parametrize("entry", list(METHODS), ids=lambda entry: entry.name)
def test_a_misspelt_setting(entry):
    settings = [name for name, _, _ in describe_settings(entry)]
    wrong = f"{settings[-1]}s" if settings else "k"
    with pytest.raises(UserError) as caught:
        parse_method(f"{entry.name}:{wrong}=1", where="--method")
    message = str(caught.value)
    assert message.startswith(f"--method: the method '{entry.name}' has no setting '{wrong}'")
    assert (", ".join(settings) if settings else "no settings") in message
    if settings and len(settings[-1]) > 1:
        assert f"did you mean '{settings[-1]}'" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("linear_prob", ["no method named 'linear_prob'", "did you mean 'linear_probe'"]),
        ("", ["no method named ''", "zero_shot"]),
        ("few_shot:k", ["key=value", "few_shot:calibration=..."]),
        ("few_shot:k=1,k=2", ["each key once", "k=2"]),
        ("few_shot:k=-1", ["'k' of the method 'few_shot'", "greater than or equal to 0", "'-1'"]),
        ("few_shot:k=many", ["'k' of the method 'few_shot'", "valid integer", "'many'"]),
        ("few_shot:k=2.5", ["'k' of the method 'few_shot'", "integer"]),
        ("few_shot:k=", ["'k' of the method 'few_shot'", "integer"]),
        ("few_shot:select=near", ["'select' of the method 'few_shot'", "'nearest' or 'diverse'"]),
        (
            "few_shot:order=first",
            ["'order' of the method 'few_shot'", "'nearest_last' or 'label_grouped'"],
        ),
        ("few_shot:calibration=on", ["'calibration' of the method 'few_shot'", "'chosen'"]),
        (
            "zero_shot:calibration=chosen",
            ["'calibration' of the method 'zero_shot'", "'domain' or 'batch'"],
        ),
        ("zero_shot:temperature=0", ["'temperature' of the method 'zero_shot'", "equal to 0.001"]),
        ("zero_shot:chat=perhaps", ["'chat' of the method 'zero_shot'", "valid boolean"]),
        ("linear_probe:C=0", ["'C' of the method 'linear_probe'", "greater than 0"]),
        ("linear_probe:C=nan", ["'C' of the method 'linear_probe'", "finite"]),
        ("linear_probe:C=inf", ["'C' of the method 'linear_probe'", "finite"]),
        ("fine_tune:learning_rate=inf", ["'learning_rate' of the method 'fine_tune'", "finite"]),
        ("zero_shot:k=1", ["'zero_shot' has no setting 'k'", "one of calibration"]),
    ],
)
def test_mistakes(text, says):
    with pytest.raises(UserError) as caught:
        parse_method(text, where="--method")
    message = str(caught.value)
    assert message.startswith("--method: ")
    assert all(part in message for part in says), message


@pytest.mark.parametrize(
    ("settings", "instead"),
    [
        ("select=nearest,per=draw", "select=diverse,order=random,per=draw"),
        ("order=nearest_last,per=draw", "order=random,per=draw"),
        ("order=nearest_last", "order=random,per=draw"),
        ("select=random,order=nearest_last", "order=random,per=draw"),
    ],
)
def test_settings_that_contradict_each_other(settings, instead):
    with pytest.raises(UserError, match="near to no query") as caught:
        parse_method(f"few_shot:{settings}")
    assert instead in str(caught.value)
    assert "per=query" in caught.value.expected


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("zero_shot", {"test_inputs"}),
        ("zero_shot:calibration=none", {"unlabelled", "test_inputs"}),
        ("zero_shot:calibration=content_free", {"unlabelled", "test_inputs"}),
        ("zero_shot:calibration=batch", {"unlabelled"}),
        ("few_shot", {"test_inputs", "encoder"}),
        ("few_shot:calibration=chosen", {"test_inputs", "encoder"}),
        ("few_shot:select=nearest", {"unlabelled", "test_inputs"}),
        ("few_shot:select=nearest,calibration=domain", {"test_inputs"}),
        ("few_shot:select=diverse,per=draw", {"test_inputs"}),
        ("few_shot:select=diverse", {"unlabelled", "test_inputs"}),
        ("few_shot:order=nearest_last,per=query", {"test_inputs"}),
        ("few_shot:select=nearest,k=0", {"labels", "seed", "test_inputs", "encoder"}),
        ("few_shot:k=0,calibration=chosen", {"test_inputs", "encoder"}),
        ("few_shot:order=label_grouped,calibration=none", {"unlabelled", "test_inputs", "encoder"}),
        ("fine_tune", set()),
        ("self_training", set()),
        ("self_training:base=contrastive", set()),
        ("self_training:base=linear_probe", {"seed"}),
        ("linear_probe", set()),
        ("linear_probe:label_examples=0", {"label_words"}),
        ("fine_tune:label_examples=0", set()),
    ],
)
def test_settings_do_without_some_of_what_the_method_may_use(text, without):
    spec = parse_method(text)
    assert {*spec.entry.uses, *spec.entry.models} - {*spec.uses, *spec.models} == without
    assert list(spec.models) == [kind for kind in spec.entry.models if kind not in without]


def test_settings_to_take_where_nothing_else_is_said():
    spec = parse_method("few_shot:k=2", otherwise={"chat": "true", "k": "3"})
    assert spec == parse_method("few_shot:chat=true,k=2")
    with pytest.raises(UserError, match="'majority' has no setting 'chat'"):
        parse_method("majority", otherwise={"chat": "true"})


def test_planning_imports_no_library():
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from harness.methods import METHODS\n"
        "from harness.methods.spec import describe_settings, parse_method\n"
        "for entry in METHODS:\n"
        "    parse_method(entry.name)\n"
        "    describe_settings(entry)\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'sklearn', 'pandas', 'scipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
