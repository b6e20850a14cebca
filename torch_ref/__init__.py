"""The PyTorch backend: the same modules as `mlx_impl`, in PyTorch's idiom. It never imports MLX.

baseline/, aristotle/, euclid/    one entry per system, the same names as in `lyceum.personas`
common/        what several of them share
model.py       the model of a plan               registry.py    reference -> implementation
trainer.py     training step, evaluation, state  alone.py       what it says of the model without a memory
stacked.py     the optimizer of hidden matrices
arrays.py      implementations on NumPy arrays
"""
