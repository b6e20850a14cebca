"""Training, written once and free of any framework: what `train_mps.py` does after its arguments are read.

    session     one call of train(): from a request to its two figures
    request     what the user asked for, checked; the run folder that it chooses
    backends    the one framework that is imported
    job         what is trained: trainer, plan, corpus
    loop        the iterations: evaluate, update, record, save
    progress    how far a run is; what a checkpoint must carry besides arrays
    saving      only healthy states are saved
    evaluation  the mean loss over all of the validation split, with its standard error
    result      the figures at the end, and whether they are comparable
    console     what the user sees
    loggers     TensorBoard and Weights & Biases, if they are asked for
    signals     Ctrl-C and SIGTERM that wait for the end of an iteration

Start reading at `session`. What a run leaves on disk is in `lyceum.runs`, the fixed values in `lyceum.contract`.
"""
