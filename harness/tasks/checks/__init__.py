"""What a check of a task looks at: one subject a file, each a function from a task to findings."""
