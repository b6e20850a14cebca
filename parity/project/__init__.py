"""Are this project's layers, models, optimizers and training runs the same in both backends?

checks            every check of `python -m parity check` and `theorems`, by name
layers            a layer's cases: its reference and its implementations as a pair
theorems          the theorems of the references, for the reference and both backends
tiny_models       tiny plans of every persona and composition
full_model        the full model of a plan: losses and every gradient
step              one training step
optimizer_steps   the trainers' optimizers on given gradients
training          training runs: every loss, checkpoints from backend to backend
trainers          the backends' trainers: made, run, moved by one ulp
perturb           `python -m parity perturb`: the start of a full run, moved by one ulp
quantizers        `python -m parity quantizers`: what fewer bits cost
"""
