"""Tasks: a YAML file and its data, read and checked; splits, label budgets and draws."""
