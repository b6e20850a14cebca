"""What does every model compute, whatever its systems? The references that no single system owns.

forward.py           the forward pass, with dropout masks, caches and a memory's evidence
optimizer.py         one update of all parameters;  adamw.py, newton_schulz.py  the rules it is made of
router_bias.py       layers that make choices: margins and router biases
gated.py             the gated perceptron;  rotary.py  rotary positions
sampling.py          drawing a token in integers;  sampling_margin.py  how far a draw is from another
bit_planes.py        quantized codes as planes of bits
"""
