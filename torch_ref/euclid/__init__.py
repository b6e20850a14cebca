"""Euclid's modules in this backend; their references are in `lyceum.personas.euclid`."""
