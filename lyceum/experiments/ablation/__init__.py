"""What each system is worth: one change at a time from a persona's default, on the same seeds, batches and blocks.

    lyceum ablation aristotle                   the ablation table of RESULTS.md, hours on a CPU
    lyceum ablation aristotle --only rope,ssm --steps 200 --seeds 1
    lyceum ablation aristotle --development     to choose by: on the end of the training split, which no run trains on

Each composition is the default with one system switched off, or switched on while those are off that it cannot be
enabled with (`lyceum.personas.spec.system.changes`). Every composition is trained for the same iterations on each seed.
The loss of every validation token (`val_losses.npy`) is compared, so a difference has a paired standard error
(`lyceum.training.evaluation.paired`); differences of several seeds are averaged token by token first. That error says
how the difference varies over texts. The columns of single seeds beside it show how it varies over seeds.

Speeds are ratios, measured in turns (`lyceum.bench.alternate`). Runs stay in their folders: an ablation that was
interrupted continues where it stopped. The figures are those of shortened runs and never enter a table of the
contract's results.
"""
