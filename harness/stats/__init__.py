"""Numbers only: how sure a figure is. Knows nothing of tasks, metrics or methods."""
