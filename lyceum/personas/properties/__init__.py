"""Which theorems hold for several systems? Each is stated once here, and every system it concerns lists it.

sequences.py    layers that act over time: causality, and continuation through a cache
samplers.py     samplers: support, mass, intervals, frequencies, clearance
memories.py     memories: a proper distribution, one figure by two ways, causality
rotations.py    random rotations and inputs on which sums are exact
"""
