"""Rows that go on token by token, each with keys and values of its own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.models.generation.plan import ROW_STEP, TextBatch, filled_up
from harness.models.likelihood.prefix import additive


class Rows:
    """The rows of a batch: first their prompts' keys and values are put in, then they go on.

    As many rows are run as a multiple of four, filled up with empty ones: matrix libraries give
    a row the same bits then, whatever the others hold.

    Args:
        model: The model.
        batch: The batch.
    """

    def __init__(self, model: Any, batch: TextBatch) -> None:
        self.model = model
        self._used = batch.kept + batch.width
        self._room = self._used + batch.room
        ends = [batch.kept + len(prompt.own) for prompt in batch.prompts]
        ends += ends[-1:] * (filled_up(len(ends), ROW_STEP) - len(ends))
        mask = np.ones((len(ends), 1, self._room), dtype=np.bool_)
        for row, end in enumerate(ends):
            mask[row, :, end : self._used] = False
        self._mask = additive(mask, model.dtype, model.device)
        self._positions = _on_device(ends, model.device)[:, None]
        self._places = list(range(len(batch.places)))  # where each row lies among those run
        self._cache: Any = None

    def put(self, rows: Sequence[int], cache: Any) -> None:
        """Takes the keys and values of some rows' prompts."""
        import torch

        with torch.inference_mode():
            if self._cache is None:
                self._cache = self._empty(cache)
            chosen = _on_device(rows, self.model.device)
            for layer, source in zip(self._cache.layers, cache.layers, strict=True):
                if layer.is_initialized:
                    for buffer, states in zip(layer.buffers, _states(source), strict=True):
                        buffer[chosen, :, : states.shape[2]] = states

    def step(self, tokens: Sequence[int]) -> list[int]:
        """Runs a token a row, and returns the likeliest next one of each."""
        likeliest: list[int] = self.forward(tokens).argmax(-1).tolist()
        return likeliest

    def forward(self, tokens: Sequence[int]) -> Any:
        """Runs a token a row, and returns logits of the next one, shape (rows, vocabulary)."""
        import torch

        ids = np.zeros(len(self._positions), dtype=np.int64)
        ids[self._places] = tokens
        self._used += 1
        with torch.inference_mode(), _steady_attention(self.model.device):
            logits = self.model(
                input_ids=torch.from_numpy(ids).to(self.model.device)[:, None],
                attention_mask=self._mask[..., : self._used],
                position_ids=self._positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            self._positions = self._positions + 1
            return logits[self._places].float()

    def keep(self, rows: Sequence[int]) -> None:
        """Lets all rows go but these, given by their present numbers."""
        import torch

        self._places = [self._places[row] for row in rows]
        size = filled_up(len(rows), ROW_STEP)
        if size == len(self._positions):
            return
        filler = [self._places[-1]] * (size - len(rows))
        chosen = _on_device([*self._places, *filler], self.model.device)
        self._places = list(range(len(rows)))
        with torch.inference_mode():
            self._mask = self._mask[chosen]
            self._positions = self._positions[chosen]
            for layer in self._cache.layers:
                if layer.is_initialized:
                    layer.buffers = [_chosen(each, chosen, self._used) for each in layer.buffers]
                    _show(layer, self._used)

    def _empty(self, like: Any) -> Any:
        """Returns a cache with room for all tokens to come.

        The usual one copies all keys and values for every token.
        """
        from transformers.cache_utils import Cache, DynamicLayer

        layers = []
        for layer in like.layers:
            roomy = DynamicLayer()
            if layer.is_initialized and layer.get_seq_length():
                roomy.lazy_initialization(layer.keys, layer.values)
                rows, room = len(self._positions), self._room
                roomy.buffers = [
                    states.new_zeros((rows, states.shape[1], room, states.shape[3]))
                    for states in _states(layer)
                ]
                roomy.update = functools.partial(_write, roomy)
                _show(roomy, self._used)
            layers.append(roomy)
        return Cache(layers=layers)


def _states(layer: Any) -> tuple[Any, Any]:
    return layer.keys, layer.values


def _write(layer: Any, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
    """Takes keys and values of more tokens and returns those of all: ``update`` of a layer."""
    start = layer.keys.shape[2]
    end = start + keys.shape[2]
    for buffer, states in zip(layer.buffers, (keys, values), strict=True):
        buffer[:, :, start:end] = states
    return _show(layer, end)


def _show(layer: Any, used: int) -> tuple[Any, Any]:
    layer.keys, layer.values = (buffer[:, :, :used] for buffer in layer.buffers)
    return _states(layer)


def _chosen(buffer: Any, rows: Any, used: int) -> Any:
    smaller = buffer.new_zeros((len(rows), *buffer.shape[1:]))
    smaller[:, :, :used] = buffer[rows, :, :used]
    return smaller


def _on_device(numbers: Sequence[int], device: Any) -> Any:
    import torch

    return torch.tensor(numbers, dtype=torch.long, device=device)


def _steady_attention(device: Any) -> contextlib.AbstractContextManager[Any]:
    """Has attention computed so that a row's bits do not depend on how many rows there are.

    For fewer than four queries a head, torch's fast attention on the CPU cuts the keys of all
    rows together into as many parts as there are threads; its plain attention does not.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else contextlib.nullcontext()
