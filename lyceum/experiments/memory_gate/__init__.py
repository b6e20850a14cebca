"""The gate of a persona's memory: constants that are fitted once, on training text, and shipped.

    lyceum memory-gate aristotle                                     fit the gate again (`refit`)
    lyceum memory-gate euclid --iterations 50 --out gate.json        a quick look at how it works

A new default composition means other models for the gate to weigh against the memory: fit the gate again then.
"""
