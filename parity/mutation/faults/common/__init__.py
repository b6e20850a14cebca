"""Which mistakes concern code that several modules share? Planted faults, one module for each file of `common`.

`skeleton.py` has those of a backend's `model.py` and `trainer.py`.
"""
