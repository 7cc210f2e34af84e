"""Greedy text after prompts under a causal LM: batched, and the same whatever the batch holds."""
