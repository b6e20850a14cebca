"""The meter, on computations whose cost can be computed by hand."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest
import torch

from lyceum.bench.alternate import WARM_UP
from parity.bench.meter import peak, seconds

N = 256
UNIT = 4 * N * N  # bytes of one array; a multiple of a page, so that no allocator rounds it
LENGTH = 6


class Torch:
    backend, array = "torch", staticmethod(lambda: torch.ones(N, N))

    @staticmethod
    def product(x, y):
        return x @ y


class Mlx:
    backend = "mlx"

    @staticmethod
    def array():
        x = mx.ones((N, N)) + mx.zeros((N, N))
        mx.eval(x)
        return x

    @staticmethod
    def product(x, y):
        """Evaluated at once, so that the peak does not depend on how far ahead MLX schedules."""
        with mx.stream(mx.cpu):
            z = x @ y
            mx.eval(z)
            mx.synchronize()
            return z


@pytest.fixture(params=[Torch, Mlx])
def side(request):
    return request.param


def chain(side, x, keep: list | None = None):
    """x^(LENGTH + 1): each product is made of x and the last one, so two exist beside x, or all in `keep`."""
    y = x
    for _ in range(LENGTH):
        y = side.product(x, y)
        if keep is not None:
            keep.append(y)
    return y


def test_a_chain_needs_two_products(side):
    x = side.array()
    assert peak(side.backend, lambda: chain(side, x)) == 2 * UNIT


def test_a_leak_needs_them_all(side):
    x, leak = side.array(), []
    assert peak(side.backend, lambda: chain(side, x, leak)) == LENGTH * UNIT


def test_what_was_there_before_and_views_cost_nothing(side):
    x = side.array()
    assert peak(side.backend, lambda: x.T[1:]) < UNIT
    assert peak(side.backend, lambda: None) == 0


def test_each_measurement_starts_anew(side):
    x, leak = side.array(), []
    first = peak(side.backend, lambda: chain(side, x, leak))
    assert peak(side.backend, lambda: side.product(x, x)) == UNIT
    leak.clear()
    assert peak(side.backend, lambda: chain(side, x, leak)) == first


def test_garbage_of_before_is_gone_before(side):
    """A cycle that Python has not yet detected would else be freed in the run, and lower its figure."""
    cycle, x = [side.array()], side.array()
    cycle.append(cycle)
    del cycle
    assert peak(side.backend, lambda: (gc.collect(), side.product(x, x))[1]) == UNIT


def test_results_of_any_type(side):
    x = side.array()
    assert peak(side.backend, lambda: {"a": [side.product(x, x)], "b": (np.ones(3), 2.0)}) == UNIT


def test_a_graph_evaluated_at_once_takes_at_least_what_it_needs():
    x = Mlx.array()

    def run():
        y = x
        for _ in range(LENGTH):
            y = x @ y
        return y

    with mx.stream(mx.cpu):
        assert 2 * UNIT <= peak("mlx", run) <= LENGTH * UNIT


def test_memory_of_before_that_is_freed_earns_nothing():
    x, old = Torch.array(), [Torch.array()]
    assert peak("torch", lambda: (old.clear(), Torch.product(x, x))) == UNIT


def test_memory_inside_an_operator_is_seen():
    """PyTorch's float64 convolution is a product with the matrix of all windows, nine times the result."""
    image, kernel = torch.ones(1, 1, N, N, dtype=torch.float64), torch.ones(1, 1, 3, 3, dtype=torch.float64)
    assert peak("torch", lambda: torch.conv2d(image, kernel)) >= (9 + 1) * 8 * (N - 2) ** 2


def test_saved_activations_stay_until_the_backward_pass():
    """Five tanh in a row save their results; without gradients two are alive at a time."""
    x = Torch.array().requires_grad_()

    def run(backward: bool):
        y = x
        for _ in range(LENGTH):
            y = torch.tanh(y)
        return torch.autograd.grad(y, x, x.detach()) if backward else None

    with torch.no_grad():
        assert peak("torch", lambda: run(False)) == 2 * UNIT
    assert peak("torch", lambda: run(False)) == LENGTH * UNIT
    # Backwards, the result of a tanh still exists while its gradient is made of the one after it.
    assert LENGTH * UNIT < peak("torch", lambda: run(True)) <= (LENGTH + 2) * UNIT


def test_compiled_graphs_are_seen():
    compiled = torch.compile(lambda x: torch.tanh(x) @ x, backend="aot_eager")
    x = Torch.array()
    compiled(x)
    assert peak("torch", lambda: compiled(x)) == 2 * UNIT


def test_the_profiler_is_silent():
    run = "from parity.bench.meter import peak; import torch; print(peak('torch', lambda: torch.ones(64)))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert done.stdout == "256\n"
    assert "rofiler" not in done.stderr


def test_an_unknown_device():
    with pytest.raises(KeyError, match="tpu"):
        peak("torch", lambda: None, "tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="counts CUDA's allocator")
def test_a_chain_on_cuda():
    x = torch.ones(N, N, device="cuda")
    assert 2 * UNIT <= peak("torch", lambda: chain(Torch, x), "cuda") < LENGTH * UNIT


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="reads the MPS driver's pool")
def test_a_chain_on_mps():
    x = torch.ones(16 * N, 16 * N, device="mps")
    assert peak("torch", lambda: chain(Torch, x), "mps") >= 2 * 256 * UNIT


def test_seconds_are_medians_in_turns():
    now, order, slow = [0.0], [], itertools.cycle([1.0] * 4 + [100.0])

    def runner(name, cost):
        def run():
            order.append(name)
            now[0] += cost() if callable(cost) else cost

        return run

    runs = {"steady": runner("steady", 2.0), "jumpy": runner("jumpy", lambda: next(slow))}
    assert seconds(runs, 5, clock=lambda: now[0]) == {"steady": 2.0, "jumpy": 1.0}
    assert order[2 * WARM_UP :] == ["steady", "jumpy", "jumpy", "steady"] * 2 + ["steady", "jumpy"]
