"""The euclid rooms of this wing; each is defined by its namesake in `personas.euclid`."""
