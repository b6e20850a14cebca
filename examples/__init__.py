"""Examples: how pairs that are not the project's own are checked."""
