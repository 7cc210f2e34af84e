"""Which calibration is worth its inputs: every one of them over the same scores, on training rows.

For each task some training rows are set aside and predicted; demonstrations and calibrating texts
come from the others. No test row is read. With ``--split test`` the settings are those of
``harness run``, on test rows. Everything scored is kept in the cache of outputs, so that a study
that was stopped goes on where it was.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from sets import SINGLE_LABEL

from harness.core.files import atomic_write
from harness.core.types import Example
from harness.methods.base import Context
from harness.methods.few_shot import FewShot
from harness.metrics import METRICS
from harness.metrics.base import Scored
from harness.metrics.evaluate import estimates
from harness.models import catalog
from harness.models.base import PromptText
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder
from harness.models.room import ModelRoom
from harness.prompts.template import load_prompt
from harness.runs.identity import cell_seed
from harness.tasks.draws import sample_test
from harness.tasks.task import Task, load_task

METRIC_NAMES = ("accuracy", "macro_f1", "ece", "log_loss")
WITH_SPREAD = ("domain", "batch", "chosen")
VARIANTS: list[dict[str, Any]] = [
    {"calibration": "none"},
    *({"calibration": "content_free", "mean": mean} for mean in ("log", "probability")),
    *(
        {"calibration": calibration, "mean": mean, "spread": spread}
        for calibration in ("domain", "batch")
        for mean, spread in (("log", 0.0), ("log", 0.5), ("log", 1.0), ("probability", 0.0))
    ),
    {"calibration": "chosen"},
    *({"calibration": "none", "score": score} for score in ("token", "character", "pmi")),
    {"calibration": "domain", "score": "token", "spread": 0.0},
]


def main() -> None:
    """Scores what is asked for and writes a row for every variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"))
    parser.add_argument("--task", action="append", help="default: every single-label set")
    parser.add_argument("--prompt", action="append", help="default: customer_message_v1")
    parser.add_argument("--k", type=int, action="append", help="demonstrations; default: 0 and 8")
    parser.add_argument("--select", default="balanced")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--output", type=Path, required=True, help="a CSV; made anew every time")
    options = parser.parse_args()
    room, rows = ModelRoom(), []
    combinations = itertools.product(
        options.task or SINGLE_LABEL, options.prompt or ["customer_message_v1"], options.k or [0, 8]
    )
    for name, prompt, k in combinations:
        study = Study(
            load_task(name, data_dir=options.data_dir), prompt, k, options.select, options.chat,
            room, split=options.split, rows=options.rows,
        )  # fmt: skip
        for row in study.run():
            rows.append(row)
            print(
                *(f"{value:.3f}" if isinstance(value, float) else value for value in row.values())
            )
        atomic_write(options.output, pd.DataFrame(rows).to_csv(index=False, float_format="%.4f"))


@dataclasses.dataclass
class Study:
    """One task with one prompt and so many demonstrations, under every calibration."""

    task: Task
    prompt: str
    k: int
    select: str
    chat: bool
    room: ModelRoom
    split: str
    rows: int

    def run(self) -> Iterator[dict[str, Any]]:
        """Yields a row for each variant; they share one scoring of the rows."""
        asked, pool, unlabelled = self._rows()
        gold = [str(example.target) for example in asked]
        blind = [example.without_target() for example in asked]
        for variant in VARIANTS:
            method = FewShot(k=self.k, select=self.select, chat=self.chat, **variant)
            method.fit(pool, unlabelled, self._context(blind))
            made = method.predict(blind)
            scored = Scored.from_predictions([one.name for one in self.task.labels], gold, made)
            metrics = [METRICS.get(name).load()() for name in METRIC_NAMES]
            found = estimates(metrics, [scored], seed=0)
            accuracy: Any = found["accuracy"]
            yield self._settings() | {
                "score": method.score,
                "calibration": method.calibration,
                "mean": "" if method.calibration == "none" else method.mean,
                "spread": method.spread if method.calibration in WITH_SPREAD else "",
                "rows": len(asked),
                "accuracy": accuracy.value,
                "accuracy_low": accuracy.low,
                "accuracy_high": accuracy.high,
                **{name: found[name].value for name in METRIC_NAMES[1:]},  # type: ignore[union-attr]
            }
        yield self._mutual_information(method, blind, gold)

    def _settings(self) -> dict[str, Any]:
        return {
            "task": self.task.name,
            "prompt": self.prompt,
            "k": self.k,
            "select": self.select,
            "chat": self.chat,
        }

    def _mutual_information(
        self, method: FewShot, blind: list[Example], gold: list[str]
    ) -> dict[str, Any]:
        """Returns what lm-evaluation-harness calls acc_mutual_info: less what follows no text."""
        built = method.builder_.build(blind, method.demonstrations(blind))
        model = method.builder_.model
        after = [built.continuations] * len(built.prompts)
        alone = model.label_loglikelihoods([PromptText(("",))], after[:1]).values
        best = (model.label_loglikelihoods(built.prompts, after).values - alone).argmax(axis=1)
        names = [label.name for label in self.task.labels]
        right = [names[place] == target for place, target in zip(best, gold, strict=True)]
        return self._settings() | {
            "score": "acc_mutual_info",
            "calibration": "none",
            "rows": len(blind),
            "accuracy": sum(right) / len(right),
        }

    def _rows(self) -> tuple[list[Example], list[Example], tuple[Example, ...]]:
        """Returns the rows to predict, those to learn from, and those without labels."""
        if self.split == "test":
            in_scope = [row for row in self.task.test if row.target != self.task.out_of_scope]
            asked = list(sample_test(in_scope, self.rows))
            return asked, list(self.task.train), self.task.unlabelled_texts()
        # A small set keeps half its rows to learn from.
        asked = list(sample_test(self.task.train, min(self.rows, len(self.task.train) // 2)))
        numbers = {example.row for example in asked}
        pool = [example for example in self.task.train if example.row not in numbers]
        return asked, pool, tuple(example.without_target() for example in pool)

    def _context(self, blind: list[Example]) -> Context:
        meter = Meter()
        lm = self.room.causal_lm(catalog.default("causal_lm").name)
        encoder = self.room.encoder(catalog.default("encoder").name)
        return Context(
            labels=self.task.labels,
            text=self.task.text,
            seed=cell_seed(0, 0),
            meter=meter,
            encoder=MeteredEncoder(encoder, meter),
            causal_lm=MeteredCausalLM(lm, meter),
            prompt=load_prompt(self.prompt),
            test_blocks=[blind],
        )


if __name__ == "__main__":
    main()
