"""Greedy generation beside transformers' own, the same weights in the same process.

    python benchmarks/generation.py

64 short prompts with a common instruction, 24 new tokens each, the default causal LM; the peer is
``model.generate`` one by one and in left-padded batches of 8. Says the seconds, and how many texts
are the same.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.models import catalog
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.resolve import resolve

PROMPTS = 64
NEW_TOKENS = 24
HEAD = "Each message was sent by a customer of a bank. Say what the customer wants.\n\n"
THINGS = ("card", "refund", "transfer", "pin", "statement", "loan", "limit", "account")
EVENTS = ("is missing", "came late", "does not work", "was declined", "is wrong", "has gone up",
          "was charged twice", "cannot be found")  # fmt: skip


def main() -> None:
    """Runs each way and prints a line for it."""
    prompts = [
        PromptText((HEAD, f"Message: my {thing} {event}\nThe customer wants"))
        for thing in THINGS
        for event in EVENTS
    ]
    resolved = resolve(catalog.default("causal_lm").name, "causal_lm")
    peer = load_peer(resolved.folder)
    with tempfile.TemporaryDirectory() as folder:
        ours = LocalCausalLM(resolved, Path(folder))
        ours.generate(prompts[:1], stop=(), max_tokens=2)  # loads the model
        write = functools.partial(ours.generate, prompts, stop=(), max_tokens=NEW_TOKENS)
        texts = timed("harness", write).values
    for size in (8, 1):
        theirs = timed(f"transformers, {size} at once", functools.partial(peer, prompts, size))
        same = sum(one == other for one, other in zip(texts, theirs, strict=True))
        print(f"  {same} of {PROMPTS} texts the same")


def timed(what: str, run: Callable[[], Any]) -> Any:
    """Runs something, prints its seconds, and returns what it gave."""
    started = time.perf_counter()
    given = run()
    print(f"{what}: {time.perf_counter() - started:.1f} s")
    return given


def load_peer(folder: Path) -> Callable[[list[PromptText], int], list[str]]:
    """Returns what generates with transformers alone, so many prompts at once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")

    def generate(prompts: list[PromptText], size: int) -> list[str]:
        texts: list[str] = []
        for start in range(0, len(prompts), size):
            part = [prompt.text for prompt in prompts[start : start + size]]
            inputs = tokenizer(part, return_tensors="pt", padding=True)
            with torch.inference_mode():
                ids = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS)
            texts += tokenizer.batch_decode(
                ids[:, inputs.input_ids.shape[1] :], skip_special_tokens=True
            )
        return texts

    return generate


if __name__ == "__main__":
    main()
