"""What is a persona made of? The records that describe models, training and proofs, free of any framework.

system.py     System: a switch, and which compositions of systems are allowed
persona.py    Persona: a thesis, its systems, its recipe
recipe.py     Recipe: how a persona is trained
skeleton.py   the layers of every model and where dropout acts
plan.py       Plan: one model and its training, complete
case.py       Case and Theorem: what must be equal on both backends
quantizer.py  Quantizer: how a persona codes weights in few bits
tiny.py       what tiny models are made of;  names.py  names with dots;  errors.py  PersonaError
"""
