"""What can be known of a token before a model is trained? Computed once, in NumPy, from the training split.

unigram.py      how often it occurs
neighbours.py   which tokens it occurs next to: a vector for every token
surface.py      what its bytes look like
"""
