"""What each system is worth: one change at a time from a persona's default, on the same seeds, batches and blocks.

    python -m screening aristotle                       the screening table of RESULTS.md, hours on a CPU
    python -m screening aristotle --only rope,ssm --steps 200 --seeds 1
    python -m screening aristotle --held-out            to choose by: on training text held out from training

An arm is the default with one system switched off, or on in place of what it cannot stand beside
(`lyceum.personas.spec.system.changes`). Every arm is trained for the same iterations on each seed. What is compared is the loss of
every validation token (`val_losses.npy`), so the difference has a paired standard error (`lyceum.training.evaluation.paired`);
differences of several seeds are averaged token by token first. That error says how the difference varies over texts.
How it varies over seeds is seen in the columns of single seeds beside it.

Speeds are ratios, taken in turns (`lyceum.bench.race`). Runs stay in their folders: a screening that was interrupted goes
on where it stopped. The figures are shortened runs' and never enter a table of the contract's results.
"""
