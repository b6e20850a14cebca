"""A persona's search, on Optuna: any number of workers on any number of machines join one study by one command.

    lyceum search aristotle --budget 20000                                   journal file, in runs/search-aristotle
    lyceum search aristotle --budget 20000 --storage postgresql+psycopg://user@host/database       many machines

The persona's part is a rule (`lyceum.personas.spec.search`), named in its System record. Everything else is here:

    space      the recipe's fields and systems that are searched, and the candidates: drawn once, by an Optuna sampler
    setup      what a study is of: everything that must be equal for a worker to join
    storage    the journal file or the database, and one sentence if it cannot be had
    study      the numbered runs as Optuna's trials: sampler, pruner, created once, claimed by one worker each
    evidence   the results so far, as the rule reads them
    presence   who is at work: beats, and which running trial has lost its worker
    work       the loop of a worker
    measure    one run: trained and measured on the end of the training split (`experiments.runs`)
    outcome    what the finished search says
    record     how it ends: the record that `train_mps.py --recipe` runs, and a page
    search     all of it, in order

Why one worker or four give the same. Every run has a number, and the rule says what run that is, from the results of
smaller numbers alone. All trials are created with the study, in the order of their numbers, so a trial's number is its
run's. The candidates are drawn before, by a sampler with a seed in another study, in memory, so no result and no
worker has an influence on them. A worker claims a trial by setting it to RUNNING, which a storage allows once. If the
worker dies, the trial fails and another one with the same run takes its turn. Should several trials have the same run,
because two workers replaced it at once, the first of them counts and the others fail unread.

Results are the summed losses of each block, a few thousand numbers, so they travel through the storage and no
folder need be shared. Checkpoints do not travel: a worker that continues a candidate of another machine trains it again
from the start, to the same figures, unless the machines share --out.
"""
