"""Training and prediction by SetFit, timed: run by the Python of its own environment.

REQUEST is JSON: ``model`` (a folder), ``texts``, ``labels``, ``test``, ``seed``, ``threads``,
``device``. ANSWER gets the seconds of training and of predicting, and the label of each test text.
"""

import time
from importlib.metadata import version
from typing import Any

import torch
from datasets import Dataset
from exchange import serve
from setfit import SetFitModel, Trainer, TrainingArguments

WARM_UP = 4  # texts
VERSIONS = ("setfit", "sentence-transformers", "torch", "transformers", "scikit-learn")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Trains a copy on a few texts to warm up, then one on all of them, and predicts."""
    torch.set_num_threads(request["threads"])
    few = [request["labels"].index(label) for label in dict.fromkeys(request["labels"])][:WARM_UP]
    train(request, few)
    model, seconds = train(request, range(len(request["texts"])))
    started = time.perf_counter()
    predicted = list(model.predict(request["test"]))
    return {
        "seconds": seconds,
        "predict_seconds": time.perf_counter() - started,
        "predicted": [str(label) for label in predicted],
        "versions": {name: version(name) for name in VERSIONS},
    }


def train(request: dict[str, Any], places: Any) -> tuple[SetFitModel, float]:
    """Trains on the texts at some places: two pairs of each kind a text, a logistic head.

    Returns:
        The model, and the seconds of training, loading left out.
    """
    model = SetFitModel.from_pretrained(request["model"], device=request["device"])
    rows = Dataset.from_dict(
        {
            "text": [request["texts"][place] for place in places],
            "label": [request["labels"][place] for place in places],
        }
    )
    arguments = TrainingArguments(
        output_dir="setfit",
        num_iterations=2,
        num_epochs=1,
        batch_size=16,
        seed=request["seed"],
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        show_progress_bar=False,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    started = time.perf_counter()
    trainer.train()
    return model, time.perf_counter() - started


if __name__ == "__main__":
    serve(__doc__, answer)
