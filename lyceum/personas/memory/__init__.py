"""What does training text remember that a small model forgets? All that the memories of both personas share.

    counts.py     tables of what followed each context, with discounts
    novelty.py    what a token that training never had looks like
    recency.py    what the block itself repeats: cache and follower
    evidence.py   the parts of a memory put together: log probabilities, features and offsets
    mixture.py    the model and the parts, mixed by a linear gate
    gate.py       the shipped constants of a gate, and surface classes

What the guides are is each persona's matter: `lyceum.personas.aristotle.memory`, `lyceum.personas.euclid.memory`.
"""
