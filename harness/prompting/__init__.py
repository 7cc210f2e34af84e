"""From a template, a model and demonstrations to prompts that fit the model."""
