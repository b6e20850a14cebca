"""Which class of this backend implements which reference: the link from the mathematics to its MLX code.

    from lyceum.personas.aristotle import norm as reference

    @implements(reference.GoldenMean)
    class GoldenMean(nn.Module): ...

So an editor jumps from an implementation to its reference, and from a reference to its users. See `lyceum.registry`.
"""

from __future__ import annotations

import mlx_impl
from lyceum.registry import Registry

REGISTRY = Registry(mlx_impl)
implements, build = REGISTRY.implements, REGISTRY.build
