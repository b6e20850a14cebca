"""A new system, written from templates: everything that it needs, passing every check from the start.

    python -m parity new aristotle scale --module norm

writes a reference, its two implementations, a planted fault and a test, and registers the system in one line of its
persona. `templates/` holds the texts, one folder for each module that can be asked for. CONTRIBUTING.md says how to go
on from there.
"""
