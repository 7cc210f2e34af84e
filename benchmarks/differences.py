"""How much better a row of finished runs is than another, on the same test rows.

Test rows and draws are resampled, the same test rows for both in a replicate, for an interval of
95 %. A row is its method, its model where it has one, and its label budget, as in
`'fine_tune@all-minilm-l6-v2 8/class'` or `'tfidf all'`.
"""

import argparse
from pathlib import Path

import numpy as np
from labels_saved import ENDS, Row, read_rows


def main() -> None:
    """Prints a line for each pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path, nargs="+")
    parser.add_argument(
        "--pair", action="append", required=True, nargs=2, metavar="ROW",
        help="a row, and what is taken from it",
    )  # fmt: skip
    parser.add_argument("--metric", default="accuracy", help="one that a test row adds to")
    options = parser.parse_args()
    rows = read_rows(options.run_dir, options.metric)
    for pair in options.pair:
        first, second = (find(rows, name).figures for name in pair)
        low, high = np.percentile((first - second)[1:], ENDS)
        print(*pair, f"{first[0] - second[0]:.3f} [{low:.3f}, {high:.3f}]")


def find(rows: list[Row], name: str) -> Row:
    """Returns the row of a name, with the method's default settings."""
    who, _, labels = name.rpartition(" ")
    method, _, model = who.partition("@")
    for row in rows:
        if row.key == (method, "", model, labels):
            return row
    raise SystemExit(f"no finished row is {name!r}, with default settings")


if __name__ == "__main__":
    main()
