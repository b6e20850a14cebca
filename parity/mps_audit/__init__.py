"""Does everything that the backends compute with have a kernel on Apple's GPU?

Whether a model runs on a device is decided operator by operator. So both backends are followed through everything they
do, each operator (PyTorch: ATen) or primitive (MLX) is recorded with its first occurrence, and looked up:

    audit            all of it: one row an operator
    trace            the operators of one run
    torch_backend    PyTorch's operators; `operator_table`: the wheel's table, which names the kernel of every device
    mlx_backend      MLX's primitives; the wheel's headers declare the `eval_gpu` of each, and Metal refuses some
    records          what neither table says, with reasons

It cannot show that a kernel is right, that it takes these shapes, or that it is fast. This is a check by table, not a
run on Apple hardware; the workflow `apple.yml` runs the suite itself there.
"""
