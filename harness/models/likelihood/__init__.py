"""Log-likelihoods of label texts under a causal LM: exact, with what prompts share run once."""
