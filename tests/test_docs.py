"""Links lead somewhere, the reference says what the program says, one version everywhere."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from harness import __version__

ROOT = Path(__file__).resolve().parents[1]
ENTRY = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES = ENTRY + sorted(
    str(path.relative_to(ROOT))
    for folder in ("benchmarks", "docs", "prompts", "tasks")
    for path in (ROOT / folder).rglob("*.md")
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_repository_lead_somewhere(page):
    here = ROOT / page
    links = LINK.findall(FENCE.sub("", here.read_text("utf-8")))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = here.parent / name if name else here
        assert target.exists(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page}: {link}"


def anchors(page):
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_names_every_page_of_docs():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not [
        path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in readme
    ]


def test_the_cli_reference_is_what_the_commands_print():
    reference = runpy.run_path(str(ROOT / "docs" / "make_cli_reference.py"))["reference"]
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == reference(), (
        "run: python docs/make_cli_reference.py"
    )


def test_changelog_and_citation_are_of_this_version():
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == __version__
    assert citation["license"] == "Apache-2.0"


def test_the_tables_of_kinds_are_what_the_code_says():
    path = ROOT / "docs" / "kinds.md"
    made = runpy.run_path(str(ROOT / "docs" / "make_kinds_matrix.py"))
    assert path.read_text("utf-8") == made["page"](path.read_text("utf-8")), (
        "run: python docs/make_kinds_matrix.py"
    )
    assert all(table in path.read_text("utf-8") for table in made["tables"]().values())
