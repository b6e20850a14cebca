"""What can `python -m parity` be asked? One file for the commands that answer one question, each with its options.

    check        check, theorems, training: lists of verdicts
    localize     localize: the first divergence of two models
    mutants      mutants: planted faults and harmless rewrites
    audit        audit: kernels on Apple's GPU
    bench        bench, layer-benchmarks, overhead: speed
    runs         perturb, quantizers: experiments on a full run
    new          new: a new system, written from templates
    report       report: everything on one HTML page
    options      all commands by name, and the parser
    command      the record of a command, and what its options share

A command imports what it needs when it runs, so that `--help` is quick and threads are set before PyTorch reads them.
"""
