"""The fault drill: a model is hurt while it trains, with and without the system `repair`.

    lyceum drill aristotle                    400 iterations of five runs, some minutes on a CPU
    lyceum drill aristotle --steps 2000 --seed 7

Four faults, one after the other, between a fifth and four fifths of the run, drawn from the seed: a row becomes nan, a
matrix is multiplied by 100, half of a matrix's rows become 0, half of another's change sign. Each strikes at the
beginning of an iteration, after all examinations, so that it acts in a forward pass before it can be detected.

    unhurt                      what all are compared with
    unhurt, repair              must be the same to the last bit
    hurt, repair                must end within GOAL of it
    hurt                        stops where the loss is no number
    hurt, but for nan           what the other three cost alone

The difference of two runs is that of full_vloss, paired token by token (`lyceum.training.evaluation.paired`). What
repair costs is measured in turns (`lyceum.bench.alternate`), over as many iterations as its averages take for a step.
"""
