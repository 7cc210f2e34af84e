"""From settings to cells, from cells to predictions in the store."""
