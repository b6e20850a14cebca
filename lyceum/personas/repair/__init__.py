"""What the repairs of both personas share: which rows are hurt, and what is put in their place.

A persona brings one record, a `Repair` with its own projection or way to restore; a backend the same record as an
implementation, and `Average`, which holds the running averages on its device. `Watch` decides, in NumPy, alike for both
backends.
`lyceum drill` shows what it is worth.

    rows.py     Repair: distances, averages, restored rows
    watch.py    Watch: the decision, what is reported, what a checkpoint holds
"""
