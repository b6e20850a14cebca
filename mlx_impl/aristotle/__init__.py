"""Aristotle's modules in this backend; their references are in `lyceum.personas.aristotle`."""
