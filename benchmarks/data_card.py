"""The figures of the data card of customer_emails: counts, near-duplicates, and how hard it is.

    python benchmarks/data_card.py

Needs the default encoder (fetched where it is not there yet).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from statistics import median

import numpy as np

from harness.core.types import Example
from harness.models import catalog
from harness.models.room import ModelRoom
from harness.stats.arrays import unit_rows
from harness.tasks.task import Task, load_task

GRAM = 5
NEAR_COSINE = 0.9
NEAR_JACCARD = 0.2


def main() -> None:
    """Prints the figures."""
    task = load_task("customer_emails")
    splits = {"train": task.train, "test": task.test, "unlabelled": task.unlabelled}
    for name, rows in splits.items():
        print_counts(name, rows)
    everything = [row for rows in splits.values() for row in rows]
    print_shared_grams(task, everything)
    print_near(task, [*task.train, *task.test])
    print_difficulty(task)


def print_counts(name: str, rows: tuple[Example, ...]) -> None:
    """Prints how long the e-mails of a split are, and how many have which label."""
    bodies = [str(row.fields["body"]) for row in rows]
    words = [len(body.split()) for body in bodies]
    quoted = sum(any(line.startswith(">") for line in body.split("\n")) for body in bodies)
    empty = sum(not str(row.fields["subject"]).strip() for row in rows)
    print(f"{name}: {len(rows)} e-mails; words of the body: {min(words)}, {median(words):g}, "
          f"{max(words)}; empty subject: {empty}; with quoted lines: {quoted}")  # fmt: skip
    if rows[0].target:
        print(f"  {dict(Counter(str(row.target) for row in rows).most_common())}")


def print_shared_grams(task: Task, rows: list[Example]) -> None:
    """Prints how many pairs share runs of five words."""
    grams = [word_grams(task.text(row)) for row in rows]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, own in enumerate(grams):
        for gram in own:
            holders[gram].append(place)
    shared = Counter(
        pair for places in holders.values() for pair in itertools.combinations(places, 2)
    )
    jaccard = {
        (one, other): count / len(grams[one] | grams[other])
        for (one, other), count in shared.items()
    }
    pairs = len(rows) * (len(rows) - 1) // 2
    above = sum(value > NEAR_JACCARD for value in jaccard.values())
    print(f"{pairs:,} pairs: {len(shared)} share a run of {GRAM} words, at most "
          f"{max(shared.values(), default=0)} of them; highest Jaccard similarity "
          f"{max(jaccard.values(), default=0):.3f}; above {NEAR_JACCARD}: {above}")  # fmt: skip


def word_grams(text: str) -> set[tuple[str, ...]]:
    """Returns the runs of five words in a text, case and punctuation aside."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[start : start + GRAM]) for start in range(len(words) - GRAM + 1)}


def print_near(task: Task, rows: list[Example]) -> None:
    """Prints how many pairs of a class the default encoder holds to be nearly the same."""
    encoder = ModelRoom().encoder(catalog.default("encoder").name)
    cosines = unit_rows(encoder.encode([task.text(row) for row in rows]).values)
    cosines = cosines @ cosines.T
    alike = [
        (float(cosines[one, other]), rows[one].row, rows[other].row)
        for one, other in itertools.combinations(range(len(rows)), 2)
        if rows[one].target == rows[other].target
    ]
    above = sum(value > NEAR_COSINE for value, *_ in alike)
    print(f"{len(alike):,} pairs within a class: cosine above {NEAR_COSINE}: {above}; "
          f"highest: {max(alike)[0]:.3f}")  # fmt: skip


def print_difficulty(task: Task) -> None:
    """Prints the accuracy of plain classifiers with all training e-mails."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, new = ([task.text(row) for row in rows] for rows in (task.train, task.test))
    targets, right = ([row.target for row in rows] for rows in (task.train, task.test))
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    encoder = ModelRoom().encoder(catalog.default("encoder").name)
    features = {
        "TF-IDF, words": (vectorizer.fit_transform(texts), vectorizer.transform(new)),
        "embeddings": (encoder.encode(texts).values, encoder.encode(new).values),
    }
    for (name, (known, unknown)), strength in itertools.product(features.items(), (1, 10, 100)):
        model = LogisticRegression(C=strength, max_iter=1000).fit(known, targets)
        accuracy = np.mean(model.predict(unknown) == right)
        print(f"{name}, C = {strength}: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
