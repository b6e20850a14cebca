"""Training, written once and free of any framework: what `train_mps.py` does after its arguments are read.

    contract    the fixed values, and how an attempt to change one is refused
    request     what the user asked for, checked
    session     one call of train(): from a request to a result
    loop        the iterations: evaluate, update, record, save
    result      the figures at the end, and whether they are comparable
    full_loss   the mean loss over the whole validation split, with its standard error
    checkpoint  one file that either backend can continue from
    saving      only healthy states are saved
    progress    how far a run is; what a checkpoint must carry besides arrays
    job         what is trained
    folder      the run folder and its files
    atomic      files that are never half-written
    console     what the user sees
    figure      loss.png
    backend        the one framework that is imported
    machine     what the run ran on
    signals     Ctrl-C that waits for the end of an iteration

Start reading at `session`.
"""
