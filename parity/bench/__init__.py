"""How fast is it, and how much memory does it take?

iterations        a training iteration of each persona, as a ratio to the baseline's
layer_benchmarks  a system beside the layer that it replaces: the records BENCHMARKS of its reference
overhead          the harness beside the models that it runs
costs             time and memory of each case
meter             how seconds and peak memory are measured
"""
