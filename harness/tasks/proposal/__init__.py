"""A task YAML proposed for a data file: columns found, kind and splits guessed, all commented."""
