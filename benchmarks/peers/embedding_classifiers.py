"""Frozen embeddings and scikit-learn's classifiers alone, timed.

REQUEST is JSON: ``model`` (a folder), ``texts``, ``draws`` (each with ``budget``, ``rows`` and
``labels``: places in ``texts`` and their labels), ``test`` (``rows`` and ``labels``), ``threads``,
``device``. ANSWER gets the seconds of importing, loading, encoding and of each classifier's fits
with their predictions, and each classifier's mean accuracy at each budget.
"""

import importlib
import time
import warnings
from collections import Counter, defaultdict
from importlib.metadata import version
from typing import Any

from exchange import serve

IMPORTS = (
    "torch",
    "sentence_transformers",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.neighbors",
)
PACKAGES = ("sentence-transformers", "scikit-learn", "torch")
FOLDS = 5
NEIGHBOURS = (1, 3, 5, 10, 20)
STRENGTHS = (0.1, 1, 10, 100)
STRENGTH = 10
BATCH = 32


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Encodes all texts in one call, then fits every classifier on every draw."""
    started = time.perf_counter()
    torch, sentence_transformers, *_ = map(importlib.import_module, IMPORTS)
    torch.set_num_threads(request["threads"])
    imported = time.perf_counter()
    model = sentence_transformers.SentenceTransformer(request["model"], device=request["device"])
    loaded = time.perf_counter()
    vectors = model.encode(request["texts"], batch_size=BATCH, normalize_embeddings=True)
    seconds = {
        "imports": imported - started,
        "loading": loaded - imported,
        "encoding": time.perf_counter() - loaded,
    }
    warnings.simplefilter("ignore")  # a solver that stops at max_iter
    fits, accuracies = fit_all(vectors, request)
    return {
        "seconds": {**seconds, "fits": fits},
        "accuracies": accuracies,
        "versions": {name: version(name) for name in PACKAGES},
    }


def fit_all(
    vectors: Any, request: dict[str, Any]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Returns the seconds of each classifier, and its mean accuracy at each budget."""
    test, right = vectors[request["test"]["rows"]], request["test"]["labels"]
    seconds: dict[str, float] = defaultdict(float)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for draw in request["draws"]:
        train = vectors[draw["rows"]]
        for name, classifier in classifiers(draw["labels"]).items():
            started = time.perf_counter()
            predicted = classifier.fit(train, draw["labels"]).predict(test)
            seconds[name] += time.perf_counter() - started
            found[name][draw["budget"]].append(float((predicted == right).mean()))
    means = {
        name: {budget: sum(each) / len(each) for budget, each in budgets.items()}
        for name, budgets in found.items()
    }
    return dict(seconds), means


def classifiers(labels: list[str]) -> dict[str, Any]:
    """Returns what stands for each method of the harness; grids where classes are large enough."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

    folds = min(FOLDS, *Counter(labels).values())
    nearest: Any = KNeighborsClassifier(1, metric="cosine")
    chosen: Any = LogisticRegression(C=STRENGTH, max_iter=1000)
    if folds > 1:
        usable = [k for k in NEIGHBOURS if k <= len(labels) // 2]
        votes = {"n_neighbors": usable, "weights": ["uniform", "distance"]}
        nearest = GridSearchCV(nearest, votes, cv=folds)
        chosen = GridSearchCV(
            LogisticRegression(max_iter=1000), {"C": STRENGTHS}, cv=folds, scoring="neg_log_loss"
        )
    return {
        "prototypes": NearestCentroid(),
        "nearest_neighbours": nearest,
        "linear_probe": chosen,
        f"linear_probe:C={STRENGTH}": LogisticRegression(C=STRENGTH, max_iter=1000),
    }


if __name__ == "__main__":
    serve(__doc__, answer)
