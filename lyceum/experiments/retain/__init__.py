"""A finished run continued on a second text, with its persona's way to keep the first and without it.

scores    gradients under the model's law on the first text, from which the persona measures what to keep
begin     the two runs at their iteration 0, as checkpoints: so they are resumed, read and sampled like any run
table     what both have learned and forgotten
retain    all of it: what `lyceum retain` does
"""
