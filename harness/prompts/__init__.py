"""Prompt templates: read from YAML, rendered in a sandbox."""
