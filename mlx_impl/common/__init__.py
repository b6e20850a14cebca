"""What do several modules of this backend share? References: `lyceum.personas.model`, `lyceum.personas.memory`.

gated.py       the gated perceptron             dispatch.py       sparse experts in blocks
rotary.py      rotary positions                 chunks.py         sums within a chunk
sampling.py    drawing a token in integers      mixture.py        a memory's gate
newton_schulz.py   orthogonal matrices
"""
