"""Constants of the personas that are fitted once, on training text, and shipped; here is how each was made.

    python -m calibration aristotle             the gate of a persona's memory (lyceum.experiments.memory_gate.refit)
    python -m calibration euclid --iterations 50 --out gate.json      a quick look at how it goes

A change of the default composition changes the models that a gate must judge: then make it anew.
"""
