"""The cost of the syllogism, counted: the projections of attention once, its scores and sums twice, P P never."""

from __future__ import annotations

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from lyceum.personas.aristotle.attention import Syllogism
from lyceum.personas.baseline.attention import Attention
from torch_ref.registry import build


def flops(spec, length: int) -> int:
    """Multiplications and additions of one sequence, forward and backward."""
    module, x = build(spec), torch.zeros(1, length, spec.n_embd, requires_grad=True)
    # The counter does not see a CPU's fused kernel, so the plain formula is used.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(x).sum().backward()
    return counter.get_total_flops()


def test_a_conclusion_costs_one_more_attention():
    """Projections cost O(T), attention O(T^2): second differences over T are of attention only, and twice as large."""
    for length in (64, 256):
        twice, once = (
            flops(spec, 2 * length) - 2 * flops(spec, length) for spec in (Syllogism(32, 4), Attention(32, 4))
        )
        assert twice == 2 * once > 0


def test_at_the_contracts_sizes():
    assert flops(Syllogism(32, 4), 64) < 2.2 * flops(Attention(32, 4), 64)
