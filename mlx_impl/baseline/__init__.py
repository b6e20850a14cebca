"""The baseline rooms of this wing; each is defined by its namesake in `personas.baseline`."""
