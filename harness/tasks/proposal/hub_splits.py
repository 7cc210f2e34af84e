"""Which splits of a data set of the hub a task takes."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.errors import DataError
from harness.tasks.proposal.draft import HubSource
from harness.tasks.proposal.tables import RawTable

NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test", "testing", "heldout", "held_out"),
    "unlabelled": ("unlabelled", "unlabeled", "unsupervised"),
}


def arrange(
    tables: Mapping[str, RawTable], name: str, config: str | None
) -> tuple[dict[str, RawTable], HubSource]:
    """Returns the tables by our names of the splits, and what the task says of them.

    Test rows whose labels are kept secret are not tested on: the validation rows are.

    Args:
        tables: The table of each split, by the hub's name of it.
        name: The data set's id.
        config: Its configuration.

    Raises:
        DataError: It has several splits, and none of them to train on.
    """
    notes = []
    splits = {
        ours: next(theirs for theirs in known if theirs in tables)
        for ours, known in NAMES.items()
        if tables.keys() & set(known)
    }
    if "train" not in splits and len(tables) == 1:
        splits = {"all": next(iter(tables))}
    elif "train" not in splits:
        raise DataError(
            "none of its splits is one to train on",
            where=name,
            found=", ".join(tables),
            expected="one called train",
        )
    elif len(splits) == 1:
        splits = {"all": splits["train"]}
    if "test" in splits and _secret(tables[splits["train"]], tables[splits["test"]]):
        notes.append(f"the labels of the split {splits['test']!r} are kept secret: it is left out")
        del splits["test"]
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append(f"the split {splits['test']!r} is tested on")
    used = {ours: tables[theirs] for ours, theirs in splits.items()}
    return used, HubSource(name, config, splits, notes)


def _secret(train: RawTable, test: RawTable) -> bool:
    """Returns whether a column that is filled in one split is blank in all of the other."""
    return any(
        all(row[column].strip() for row in train.rows)
        and not any(row[column].strip() for row in test.rows)
        for column in set(train.columns) & set(test.columns)
    )
