"""Fine-tuning by transformers' Trainer, timed: run by the Python of its own environment.

REQUEST is JSON: ``model`` (a folder), ``start`` (an .npy file of the first class vectors, shape
(classes, dimensions)), ``scale``, ``texts``, ``targets``, ``test``, ``max_tokens``, ``recipe``,
``seed``, ``half``, ``threads``, ``device``. ANSWER gets the seconds of tokenising and training,
the token slots that training ran, padding included, and the class of each test text.
"""

import time
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from exchange import serve
from torch.nn.functional import cross_entropy, normalize
from transformers import (
    AutoModel,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Takes one step on a copy to warm up, then trains and predicts."""
    torch.set_num_threads(request["threads"])
    tokenizer = AutoTokenizer.from_pretrained(request["model"])
    train(CosineNetwork(request), tokenizer, request, steps=1)
    network = CosineNetwork(request)
    seconds, slots = train(network, tokenizer, request)
    return {
        "seconds": seconds,
        "slots": slots,
        "predicted": predict(network, tokenizer, request),
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate")},
    }


class CosineNetwork(torch.nn.Module):
    """Mean pooling, a unit vector, and the scaled cosine with a vector of each class."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(request["model"], dtype=torch.float32)
        self.head = torch.nn.Parameter(torch.from_numpy(np.load(request["start"])))
        self.scale = request["scale"]
        self.to(request["device"])

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Returns the logits, shape (rows, classes), and with labels the loss."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        means = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
        logits = self.scale * (normalize(means, dim=-1) @ normalize(self.head, dim=-1).T)
        if labels is None:
            return {"logits": logits}
        return {"loss": cross_entropy(logits, labels), "logits": logits}


class HeadRateTrainer(Trainer):
    """A trainer that trains the class vectors at a rate of their own, without decay."""

    head_rate: float

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Returns AdamW over two groups of parameters, of the class of the trainer's default."""
        network = self.model if model is None else model
        groups = [
            {"params": list(network.encoder.parameters())},
            {"params": [network.head], "lr": self.head_rate, "weight_decay": 0.0},
        ]
        kind, settings = self.get_optimizer_cls_and_kwargs(self.args, network)
        self.optimizer = kind(groups, weight_decay=self.args.weight_decay, **settings)
        return self.optimizer


class CountingCollator(DataCollatorWithPadding):
    """Pads each batch to its longest row, and counts the slots."""

    slots = 0

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Returns the padded batch."""
        batch = super().__call__(features)
        self.slots += batch["input_ids"].numel()
        return batch


def train(
    network: CosineNetwork, tokenizer: Any, request: dict[str, Any], steps: int = -1
) -> tuple[float, int]:
    """Trains by the recipe, or so many steps; returns the seconds and the token slots."""
    recipe = request["recipe"]
    arguments = TrainingArguments(
        output_dir="trainer",
        num_train_epochs=recipe["epochs"],
        max_steps=steps,
        per_device_train_batch_size=recipe["batch_size"],
        learning_rate=recipe["learning_rate"],
        lr_scheduler_type="linear",
        warmup_steps=recipe["warm_up"],  # below 1 it is a share of the steps
        weight_decay=recipe["weight_decay"],
        max_grad_norm=recipe["clip"],
        bf16=request["half"],
        use_cpu=request["device"] == "cpu",
        seed=request["seed"],
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    collator = CountingCollator(tokenizer)
    started = time.perf_counter()
    rows = [
        {**row, "labels": target}
        for row, target in zip(encode(tokenizer, request, "texts"), request["targets"], strict=True)
    ]
    trainer = HeadRateTrainer(network, arguments, data_collator=collator, train_dataset=rows)
    trainer.head_rate = recipe["head_rate"]
    trainer.train()
    return time.perf_counter() - started, collator.slots


def encode(tokenizer: Any, request: dict[str, Any], which: str) -> list[dict[str, Any]]:
    """Returns ids and mask of each text, cut at what the model reads."""
    read = tokenizer(
        request[which],
        truncation=True,
        max_length=request["max_tokens"],
        return_token_type_ids=False,
    )
    return [{name: read[name][place] for name in read} for place in range(len(request[which]))]


def predict(network: CosineNetwork, tokenizer: Any, request: dict[str, Any]) -> list[int]:
    """Returns the likeliest class of each test text."""
    network.eval()
    rows = encode(tokenizer, request, "test")
    size = request["recipe"]["batch_size"]
    predicted: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(rows), size):
            batch = tokenizer.pad(rows[start : start + size], return_tensors="pt")
            logits = network(**batch.to(request["device"]))["logits"]
            predicted += logits.argmax(dim=-1).tolist()
    return predicted


if __name__ == "__main__":
    serve(__doc__, answer)
