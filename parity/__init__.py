"""The bridge: are the two wings the same function, and if not, where do they part?

    rooms      one case in either wing            judge      its verdicts
    rounding   how far rounding may carry it      exact      MLX's float64, made float64
    training   whole training runs                theorems   what the definitions promise
    mutants    can the checks fail?               bench      how fast is an iteration?

`python -m parity --help` teaches the command line.
"""

import mlx_impl  # noqa: F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported
