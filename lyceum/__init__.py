"""All that the two backends share, free of frameworks. `python -m lyceum` runs it.

corpus/        text -> ids -> seeded batches
personas/      what is built, as mathematics: the references of every model, in NumPy
training/      the training loop, its request and its result
runs/          a run's folder: checkpoints, logs, figures
generation/    from a checkpoint and a prompt to text
quantization/  checkpoints in few bits
experiments/   what each system is worth, and how shipped constants are fitted
bench/         speed and memory
cli/           one file per subcommand
rng.py         every random number, addressed by (seed, purpose, step)
contract.py    the fixed sizes, and the errors a user sees
"""
