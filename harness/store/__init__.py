"""Cells and their predictions on disk. Everything above reads these files only."""
