"""Examples: how a pair that is not the project's is checked."""
