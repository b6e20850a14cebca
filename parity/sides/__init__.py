"""How does one framework compute a module's values and derivatives at a point?

torch_side, mlx_side   a module or function of each framework, evaluated and left as it was
torch_setting          a precision and a device in PyTorch's terms;  called: a module under a way of calling it
single_precision       where MLX's float64 is right to float32 only
borrowed               copies of modules, so that what they write changes nothing that was given
test_point             parameters, inputs, cotangents, directions;  trees: nested inputs and outputs
variants               frameworks, precisions, compiled or not, devices
"""
