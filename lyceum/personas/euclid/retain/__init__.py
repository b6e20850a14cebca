"""E21, the perpendicular: while a second text is learned, the weights move where the first one's loss is level.

Idea. From a given point to a given plane draw the perpendicular (Elements XI, 11). The plane is spanned by gradients of
the first text's loss. What stands at right angles to it, its loss does not feel; so the weights walk there alone.

Equations. All parameters are one vector. At the weights w* after the first text let g_1 .. g_B be the gradients of B
batches of it, for its own targets, and g their mean. U = (u_0 .. u_(k-1)), n x k, is orthonormal:
    u_0 = g / |g|,    u_1 .. u_(k-1) = the longest principal axes of g_i - <g_i, u_0> u_0    (`axes`)
    P x = x - U U^T x                   the foot of the perpendicular from x, on what is orthogonal to U
A training step on the second text draws two perpendiculars, from its gradient G and from the weights w after the rule:
    G <- P G                            before the clip and the moments
    w <- w* + P (w - w*)                whatever the rule is

Why twice. AdamW steps by -lr V^(-1/2) m, V diagonal. P G puts m at right angles to U, but V^(-1/2) turns it away
again: for u = (.6, .8) the gradient (.8, -.6) is perpendicular, and its first step, (-1, 1), is not. Decay adds a
multiple of w, which never was. So the step itself has to be projected. This alone would not do either: the slope along
-P V^(-1/2) G is -<G, P V^(-1/2) G>, and may be positive, since a product of two positive matrices need not be one. With
both it is -<P G, V^(-1/2) P G> <= 0 (4). As all steps are perpendicular, so is their sum w - w*; it is measured from
w*, so that rounding does not add up. The steepest step in AdamW's own measure, V^(-1/2) (m - U c), would need the
solution c of k equations at each step, and a V, which Muon and the compass do not have.

Why these axes. L(w* + D) = L(w*) + <g, D> + <D, F D> / 2 + ..: u_0 removes the first term, which is small where the
first text has been learned. Then the second decides. F is the mean of score products (Gauss and Newton's curvature, the
Fisher information), and the g_i g_i^T estimate it up to a factor: the axes are those of the greatest curvature (5).

Theorems (`lyceum.personas.euclid.retain.theorems`).
 1. (perpendicular) <P x, u_j> = 0. Hence <w - w*, g> = 0 at every step: the first text's loss, over the batches that
    were measured, does not change to first order.
 2. (Pythagoras) |x|^2 = |P x|^2 + sum_j <x, u_j>^2. So P x is the nearest of all vectors at right angles to U, and P is
    idempotent.
 3. (level) A loss that reads the weights through <u_j, w> alone does not change at all, however far they go.
 4. (descent) <G, P A P G> >= 0 for A diagonal and positive, as <P G, A P G>: P is symmetric. To first order no step of
    AdamW from zero moments climbs.
 5. (least) Of all k-dimensional spaces that contain g, U's leaves least of the gradients: sum_i |P g_i|^2 is the sum of
    the squared lengths of the axes left out (Eckart & Young 1936).

Measured, before the first text was learned: after 300 iterations the comedies for 200, by the weights alone. They moved
along the axes by 4e-7, for 0.34 plainly. Both texts gained less than plainly, each by 0.063 +- 0.002, and by 0.060 with
8 axes: so early what the second teaches is also new to the first, and u_0 bars it. This is for runs that are finished.

Limits. The gradients are those at w*; far from it the loss has others. Beyond the k axes nothing holds the weights.

Cost. k + 1 numbers a weight, 26 MB of a checkpoint at the contract's sizes, and four products of k n numbers a step:
1.16 of the time of a step in PyTorch, 1.15 in MLX (CPU time, in turns).
Sources: Farajtabar et al. 2019 (orthogonal gradient descent); Elements XI.11, I.47; Martens 2020 (curvature).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lyceum.personas.euclid.retain.principal import axes
from lyceum.personas.euclid.retain.theorems import theorems
from lyceum.personas.model.retain import Arrays, Retain, continued
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import System


@dataclass(frozen=True, eq=False)
class Perpendicular:
    """weights, axes: w* and U by parameter, U of its shape and k besides. One vector is all of them in this order."""

    weights: Arrays = field(default_factory=dict, repr=False)
    axes: Arrays = field(default_factory=dict, repr=False)

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is trained by gradients."""
        return {}

    def foot(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (n,) -> P x, (n,)."""
        axes = np.concatenate([_rows(u) for u in self.axes.values()])
        return x - axes @ (axes.T @ x)

    def feet(self, vectors: dict) -> dict:
        """`foot` of the vector whose parts these are, by name. Only operators, so that tensors do too."""
        along = sum(_rows(self.axes[name]).T @ x.reshape(-1) for name, x in vectors.items())
        return {name: x - (_rows(self.axes[name]) @ along).reshape(x.shape) for name, x in vectors.items()}

    def restrain(self, p: dict[str, np.ndarray], gradients: dict, parameters: dict) -> dict:
        """Gradients and parameters by name -> the gradients that are at right angles to the axes."""
        return self.feet(gradients)

    def confine(self, p: dict[str, np.ndarray], parameters: dict) -> dict:
        """Parameters by name, after a rule's step -> the nearest from which w* lies at right angles to the axes."""
        moved = self.feet({name: w - self.weights[name] for name, w in parameters.items()})
        return {name: self.weights[name] + x for name, x in moved.items()}


def _rows(axes):
    """(*shape, k) -> (n, k)."""
    return axes.reshape(-1, axes.shape[-1])


def _spec(g: np.random.Generator, shapes: dict[str, tuple[int, ...]], k: int) -> Perpendicular:
    """Random weights, and k orthonormal axes among vectors of these shapes."""
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    basis = np.linalg.qr(g.normal(size=(sum(sizes.values()), k)))[0].astype(np.float32)
    parts = np.split(basis, np.cumsum([*sizes.values()])[:-1])
    named = {name: part.reshape(*shapes[name], k) for name, part in zip(shapes, parts, strict=True)}
    return Perpendicular({name: g.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, named)


def _square(size: int) -> Perpendicular:
    """Axes whose products are exact in every precision: every second column of Hadamard's matrix of order `size`."""
    hadamard = np.ones((1, 1))
    while len(hadamard) < size:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    basis = (hadamard[:, ::2] / size**0.5).astype(np.float32)
    return Perpendicular({"w": np.zeros(size, np.float32)}, {"w": basis})


G = np.random.default_rng(21)
SPEC, ONE, SQUARE = (
    _spec(G, {"matrix": (5, 7), "vector": (6,), "radius": ()}, 9),
    _spec(G, {"w": (12,)}, 1),
    _square(16),
)
CASES = (
    Case("perpendicular: foot", SPEC, lambda g: (g.normal(size=42),), "foot", batched=False),
    Case("perpendicular: foot, one axis", ONE, lambda g: (g.normal(size=12),), "foot", batched=False),
    Case("perpendicular: foot, square axes", SQUARE, lambda g: (g.normal(size=16),), "foot", batched=False),
    Case("perpendicular: foot, near the axes", SPEC, lambda g: (_beside(g),), "foot", batched=False),
)


def _beside(g: np.random.Generator) -> np.ndarray:
    """A vector of which little is left."""
    axes = np.concatenate([_rows(u) for u in SPEC.axes.values()])
    return axes @ g.normal(size=9) + 1e-2 * g.normal(size=42)


THEOREMS = theorems(SQUARE)


def _modules(modules: dict, sizes, tables: Arrays) -> dict:
    """The module "retain" of a continued run; none for plain fine-tuning, which has no axes."""
    if "strength" not in tables:
        raise PersonaError("'retain' is part of runs that are continued on a second text: lyceum retain RUN makes one.")
    basis, weights = below(tables, "axes"), below(tables, "weights")
    used = {name: u[..., : max(1, round(float(tables["strength"]) * u.shape[-1]))] for name, u in basis.items()}
    return {"retain": Perpendicular({name: weights[name] for name in used}, used)} if used else {}


SYSTEM = System(
    "retain",
    "E21, the perpendicular",
    job="a run continued on a second text, at right angles to the gradients of the first",
    command="lyceum retain RUN",
    retain=Retain(strength=1.0, measure=axes, from_text=True, share=True),
    build=_modules,
    train=continued,
)
