import csv
import json

import pytest

from harness.tasks.proposal.draft import Wishes
from harness.tasks.proposal.propose import propose
from harness.tasks.proposal.questions import refuse
from harness.tasks.proposal.saving import save
from harness.tasks.proposal.tables import read_file


@pytest.fixture
def write(tmp_path):
    """Writes rows (dicts) as CSV; gives the path."""

    def write(rows, name="mails.csv"):
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(
                {
                    key: value if isinstance(value, str) else json.dumps(value)
                    for key, value in row.items()
                }
                for row in rows
            )
        return path

    return write


@pytest.fixture
def drafted():
    """Gives the draft for a file; nobody can be asked."""

    def drafted(path, test_file=None, *, decide=refuse, **wishes):
        tables = {"all": read_file(path)}
        if test_file:
            tables = {"train": tables["all"], "test": read_file(test_file)}
        return propose(tables, "mails", Wishes(**wishes), decide)

    return drafted


@pytest.fixture
def saved(drafted):
    """Proposes and writes; gives what was written. The task YAML lies beside the data."""

    def saved(path, test_file=None, **more):
        return save(drafted(path, test_file, **more), path.parent / "mails.yaml", None)

    return saved
