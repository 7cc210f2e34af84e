"""Learning from labelled examples: batches, the loop, and choices made inside the budget."""
