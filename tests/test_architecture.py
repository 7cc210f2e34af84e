"""Holds the plan of docs/architecture.md: floors, imports, sizes, and what is not allowed."""

import ast
import configparser
import graphlib
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from harness.methods import METHODS
from harness.metrics import METRICS
from harness.reports.formats import FORMATS
from harness.tasks.kinds import KINDS
from harness.tasks.sources import SOURCES

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "core": 0,
    "stats": 1,
    "tasks": 2,
    "prompts": 2,
    "metrics": 3,
    "store": 3,
    "models": 4,
    "prompting": 5,
    "training": 5,
    "methods": 6,
    "runs": 7,
    "reports": 8,
    "cli": 9,
}
REGISTRIES = {
    "harness.methods": METHODS,
    "harness.metrics": METRICS,
    "harness.reports.formats": FORMATS,
    "harness.tasks.kinds": KINDS,
    "harness.tasks.sources": SOURCES,
}
# What the alternatives of a folder may share; every other file of the folder is an alternative.
SHARED = {
    "harness.methods": {
        "base",
        "classifier",
        "fine_tuned",
        "kept",
        "lessons",
        "prompted",
        "spec",
        "trained",
    },
    "harness.metrics": {"base", "checks", "evaluate", "scored"},
    "harness.reports.formats": {"base"},
    "harness.tasks.kinds": {"answered", "base", "cells", "labelled"},
    "harness.tasks.sources": {"base", "delimited"},
}
HEAVY = {
    "accelerate", "datasets", "gguf", "huggingface_hub", "pandas", "pyarrow", "scipy",
    "sentence_transformers", "sklearn", "tokenizers", "torch", "transformers",
}  # fmt: skip
# transformers imports these when it reads a GGUF file.
NEEDED_BY_OTHERS = {"accelerate", "gguf"}
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 50
UNSAFE_ATTRIBUTES = re.compile(
    r"(torch|joblib)\.load|os\.(system|popen)|yaml\.((full_|unsafe_)?load(_all)?|(Full|Unsafe)?Loader)"
)
UNSAFE_SWITCHES = {"trust_remote_code", "allow_pickle", "shell"}
UNSAFE_MODULES = {"dill", "marshal", "pickle", "shelve"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_module_name(path): path for path in sorted((ROOT / "harness").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
FOLDERS = {_module_name(path / "__init__.py"): path for path in {p.parent for p in FILES.values()}}


def imported(tree):
    """The dotted names that the nodes below a tree import; of ``from a import b`` both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in names if name in FILES]
            yield from modules or [node.module]


OURS = {name: {to for to in imported(tree) if to in FILES} for name, tree in TREES.items()}


def package(name):
    return name.split(".")[1] if "." in name else ""


def test_imports_go_down_only():
    wrong = [
        f"{name} -> {target}"
        for name, targets in OURS.items()
        for target in targets
        if package(name) in FLOORS and package(target) not in ("", package(name))
        if FLOORS[package(target)] >= FLOORS[package(name)]
    ]
    assert not wrong


def test_every_package_has_a_floor():
    assert {package(name) for name in FILES} - {"", "__main__"} == set(FLOORS)


def test_no_import_circles():
    graphlib.TopologicalSorter(OURS).prepare()  # a circle raises CycleError, which shows it


def alternatives(folder):
    return {entry.path.partition(":")[0] for entry in REGISTRIES[folder]}


@pytest.mark.parametrize("folder", REGISTRIES)
def test_alternatives_are_reached_through_their_name_table_alone(folder):
    reached = [
        f"{name} -> {target}"
        for name, targets in OURS.items()
        for target in targets & alternatives(folder)
    ]
    assert not reached


@pytest.mark.parametrize("folder", REGISTRIES)
def test_a_folder_holds_its_alternatives_and_what_they_share(folder):
    held = {name for name in FILES if name.rpartition(".")[0] == folder and name not in FOLDERS}
    assert held - alternatives(folder) == {f"{folder}.{name}" for name in SHARED[folder]}


@pytest.mark.parametrize("folder", REGISTRIES)
def test_name_tables_name_each_thing_once_and_lead_to_it(folder):
    lines = [
        node.args[0].value
        for node in ast.walk(TREES[folder])
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Entry")
    ]
    assert len(lines) == len(set(lines))
    assert set(lines) <= set(REGISTRIES[folder].entries())
    for entry in REGISTRIES[folder]:
        assert callable(entry.load()), entry.path


def _imported_with(module):
    """The names that a module imports as soon as it is imported itself."""
    todo = list(module.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo.extend(node.orelse)
        elif not isinstance(node, FUNCTIONS):
            todo.extend(child for child in ast.iter_child_nodes(node))


def test_heavy_libraries_load_on_use():
    eager = [
        f"{name} -> {target}"
        for name, tree in TREES.items()
        for target in _imported_with(tree)
        if target.partition(".")[0] in HEAVY
    ]
    assert not eager


def test_importing_the_whole_harness_loads_no_heavy_library():
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    modules = [name for name in FILES if name != "harness.__main__"]
    result = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)", *modules],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert not HEAVY & set(result.stdout.split())


def test_every_folder_is_a_package_that_says_what_it_is_for():
    for name in FOLDERS:
        assert name in FILES, f"{name} has no __init__.py"
        assert ast.get_docstring(TREES[name]), f"{name} has no docstring"


def test_files_and_functions_are_short():
    long = [
        name
        for name, path in FILES.items()
        if len(path.read_text("utf-8").splitlines()) > LINES_OF_A_FILE
    ]
    long += [
        f"{name}.{node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno >= LINES_OF_A_FUNCTION
    ]
    assert not long


def _unsafe(tree):
    """What would run code found in data, or vanish under ``python -O``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = {name.partition(".")[0] for name in imported(node)}
            yield from ((node.lineno, n) for n in names & UNSAFE_MODULES)
        elif isinstance(node, ast.Name) and node.id in ("eval", "exec", "__import__"):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            if UNSAFE_ATTRIBUTES.fullmatch(ast.unparse(node)):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.keyword) and node.arg in UNSAFE_SWITCHES:
            yield from () if ast.unparse(node.value) == "False" else [(node.lineno, node.arg)]


def test_nothing_unsafe():
    assert not [(name, *found) for name, tree in TREES.items() for found in _unsafe(tree)]


@pytest.mark.parametrize(
    "code",
    ["assert x", "import pickle", "from dill import load", "eval('1')", "torch.load(f)",
     "yaml.load(f)", "yaml.unsafe_load(f)", "f(trust_remote_code=True)", "f(shell=asked)"],
)  # fmt: skip
def test_the_unsafe_is_seen(code):
    assert list(_unsafe(ast.parse(code)))
    assert not list(_unsafe(ast.parse("model.eval(); f(trust_remote_code=False); yaml.compose(f)")))


def _setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    return config["options"]


def test_the_package_list_is_what_exists():
    listed = _setup()["packages"].split()
    assert sorted(name for name in listed if not name.startswith("harness.shipped.")) == sorted(
        FOLDERS
    )
    shipped = {name.rpartition(".")[2] for name in listed if name.startswith("harness.shipped.")}
    assert shipped == {"tasks", "prompts"}
    assert len(listed) == len(set(listed))


def _normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_required_and_the_other_way_round():
    installed = packages_distributions()
    tops = {name.partition(".")[0] for tree in TREES.values() for name in imported(tree)}
    third_party = tops - sys.stdlib_module_names - {"harness"}
    needed = {_normalised(installed[name][0]) for name in third_party}
    needed.discard("pydantic-core")  # a part of pydantic
    lines = _setup()["install_requires"].split("\n")
    required = {_normalised(re.match(r"[\w.-]+", line)[0]) for line in lines if line}
    assert needed == required - NEEDED_BY_OTHERS
    assert required >= NEEDED_BY_OTHERS
    assert not third_party & NEEDED_BY_OTHERS, "imported by us by now: no exception any more"


def _tracked_texts():
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listing.stdout.split("\0")[:-1]:
        path = ROOT / name
        if path.is_file():
            yield name, path.read_text("utf-8", errors="replace")


def test_no_address_of_one_place_or_one_machine():
    hosts = ["pypi" + ".org", "files." + "pythonhosted", "registry." + "npmjs"]
    paths = [f"/{folder}/" for folder in ("work", "root")] + ["/tmp/" + "venv"]
    found = [
        f"{name}: {text}"
        for name, content in _tracked_texts()
        for text in hosts + paths
        if text in content
    ]
    assert not found
