"""E16, perpendiculars: what each layer adds that no layer before it could say, and what heads read of each other.

Idea. Lengths can be added only where lines stand at right angles (Elements I.47). What layers write does not: one adds
to what another wrote, or takes it away, and their lengths add up to nothing. So the residual stream is taken apart
anew, layer by layer: a layer opens a direction, perpendicular to all that stood before it, and moves along the
directions that others opened.

Equations. x_1 .. x_n are what the embedding, each mixer and each MLP wrote at a position, in this order, and x their
sum. q_1 .. q_n and R are Gram and Schmidt's (`lyceum.personas.euclid.interpret.gram_schmidt`):
    x_j = sum over k <= j of R[k, j] q_k                     column j: layer j in the directions opened so far
    c_k = sum over j >= k of R[k, j],    x = sum_k c_k q_k   the *pieces* of the stream, at right angles
    |x|^2 = sum_k c_k^2                                      shares c_k^2 / |x|^2, which add up to 1
R[j, j] is what layer j has that is new; R[k, j] < 0 says that it takes back what was written along q_k.

The head reads N(x), linear with its scale frozen (`frozen` of the norm), so a logit is a sum over the pieces too, and
the base rate:
    logit_l(w) = sum_k v_l(w) . L c_k q_k / s(x) + b_l(w)
The line of E8 has two logits, of the quotient and of the remainder. Unlike the contributions of terms (A16), two layers
that cancel each other do not show as two large numbers.

Heads. A head writes into the plane W spanned by its columns of out.weight. It reads through rows of its first
projection, and what lies at right angles to all of them it does not see; through a norm these are rows times L. Between
a plane that is read and one that an earlier head wrote there are *principal angles*: the singular values of Q_r Q_w^T,
with orthonormal rows Q, are their cosines. At 0 degrees a direction written is read whole, at 90 not at all. The mean
of squared cosines is the part of the written plane that is read; between two planes of w dimensions at random it is
w / d.

The memory (E19) is asked for the points nearest to the context, and for how far they are, lag by lag: squared distances
of lags add up, again by Pythagoras.

Theorems (`lyceum.personas.euclid.interpret.theorems`).
 1. The pieces are at right angles and add up to the stream; their squared lengths add up to its own.
 2. Those of Gram-Schmidt: R is the Cholesky factor of the terms' products, and no isometry changes it.
 3. Pieces and base rate add up to the logits.
 4. The sum of the squared cosines is the trace of the product of the projections on both planes: it depends on the
    planes alone. (As do the cosines; a test holds them against SciPy's.)
 5. Those of `lyceum.personas.lens`.

The order decides: what two layers both say counts as new where it was said first. It is the order of computation, so
a direction is never ascribed to a layer that could have read it.

Cost. One pass and Gram-Schmidt, 4 n^2 d operations a position. Sources: Elements I.47, XI.11; Elhage et al. 2021 (heads
that read from heads); Jordan 1875, Bjorck & Golub 1973 (principal angles).
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.baseline.position import LearnedPosition
from lyceum.personas.euclid.attention import CircleAttention
from lyceum.personas.euclid.interpret import heat_maps
from lyceum.personas.euclid.interpret.gram_schmidt import directions, triangle
from lyceum.personas.euclid.interpret.theorems import theorems
from lyceum.personas.euclid.norm import ChordPerceptron, SphereNorm
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.euclid.ssm import RigidMotion
from lyceum.personas.euclid.tokenize import tiny_line
from lyceum.personas.lens import Lens
from lyceum.personas.lens.heat_map import HeatMap, Reading
from lyceum.personas.lens.theorems import LENGTH, texts
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import System

Arrays = dict[str, np.ndarray]
READS = {"qkv": ("queries", "keys", "values"), "motion": ("input",)}  # a mixer's first projection, and its rows by head


class Perpendiculars(Lens):
    """The lens with pieces and principal angles."""

    def triangle(self, p: Arrays, vectors: np.ndarray) -> np.ndarray:
        """x (..., n, d) -> R (..., n, n)."""
        return triangle(vectors)

    def coordinates(self, p: Arrays, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> R of what the sites write, (B, T, S, S)."""
        return triangle(self.outputs(p, ids))

    def pieces(self, p: Arrays, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> c_k q_k, (B, T, S, d)."""
        outputs = self.outputs(p, ids)
        q = directions(outputs)
        return (q @ outputs.sum(-2)[..., None]) * q

    def contributions(self, p: Arrays, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> what each piece, and last the base rate, gives to each logit, (B, T, S + 1, L)."""
        pieces = self.pieces(p, ids)
        vectors, constants = self.modules["vocabulary"].directions(below(p, "vocabulary"), targets)
        parts = self.modules["norm"].frozen(below(p, "norm"), pieces.sum(-2), pieces)
        return np.concatenate([parts @ vectors.swapaxes(-1, -2), constants[..., None, :]], axis=-2)

    def cosines(self, p: Arrays) -> np.ndarray:
        """Q_r Q_w^T of every plane that is read, in the order of `readers`, and written, of `writers`, (R, W, w, w)."""
        read, written = [], []
        for block in self.skeleton.blocks:
            if not hasattr(block.mixer.spec, "n_head"):
                continue
            mixer, heads = below(p, block.mixer.name), block.mixer.spec.n_head
            columns = mixer["out.weight"].T
            written.append(columns.reshape(heads, -1, columns.shape[1]))
            for name, roles in READS.items():
                if f"{name}.weight" in mixer:
                    axes = np.eye(columns.shape[1])
                    linear = block.norm1.spec.frozen(below(p, block.norm1.name), axes[0], axes)
                    rows = mixer[f"{name}.weight"][: len(roles) * len(axes)] @ linear.T
                    read.append(rows.reshape(len(roles) * heads, -1, len(axes)))
        read, written = (directions(np.concatenate(planes)) for planes in (read, written))
        return read[:, None] @ written.swapaxes(-1, -2)

    def readers(self) -> tuple[tuple[int, str], ...]:
        """(block, name) of every plane that is read."""
        return tuple(
            (i, f"block {i}, head {head}, {role}")
            for i, block in enumerate(self.skeleton.blocks, 1)
            for name, roles in READS.items()
            if reads(block.mixer.spec, name)
            for role in roles
            for head in range(1, block.mixer.spec.n_head + 1)
        )

    def writers(self) -> tuple[tuple[int, str], ...]:
        """(block, name) of every plane that is written."""
        return tuple(
            (i, f"block {i}, head {head}")
            for i, block in enumerate(self.skeleton.blocks, 1)
            for head in range(1, getattr(block.mixer.spec, "n_head", 0) + 1)
        )

    def heat_maps(self, reading: Reading) -> tuple[HeatMap, ...]:
        """The pieces at the position and over the text, their logits, angles between heads, the nearest contexts."""
        return heat_maps.heat_maps(self, reading)


def reads(mixer, name: str) -> bool:
    """Whether a mixer has a first projection of that name."""
    return hasattr(mixer, "n_head") and f"{name}.weight" in mixer.initial(np.random.default_rng(0), 1)


def _modules(vocabulary, position, norm, mixer, mlp, **memory) -> dict:
    return {"vocabulary": vocabulary, "position": position, "norm": norm, "mixer": mixer, "mlp": mlp} | memory


N_VOCAB = 45
G = np.random.default_rng(16)
LINE = Perpendiculars(
    _modules(
        tiny_line(G), Mirrors(2, 4), SphereNorm(8), (Attention(8, 2), RigidMotion(8, 2, 3)), ChordPerceptron(8, 12),
        memory=Mixture(G.normal(size=(6, 7)).astype(np.float32)),
    ), 2,
)  # fmt: skip
CIRCLE = Perpendiculars(
    _modules(tiny_line(G), LearnedPosition(LENGTH, 8), LayerNorm(8), CircleAttention(8, 2), MLP(8)), 2
)


def _text(count: int):
    return lambda g: texts(g, N_VOCAB)[:count]


def _patched(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return *texts(g, N_VOCAB), g.integers(0, 2, size=(2, LENGTH, 5)).astype(np.int32)


CASES = (
    Case("pieces: triangle", LINE, lambda g: (g.normal(size=(2, 3, 5, 8)),), "triangle"),
    Case("pieces: triangle, nearly parallel", LINE, lambda g: (1 + 0.02 * g.normal(size=(2, 4, 8)),), "triangle"),
    Case("pieces: terms, positions with heads", LINE, _text(1), "terms"),
    Case("pieces: coordinates", LINE, _text(1), "coordinates"),
    Case("pieces: pieces", CIRCLE, _text(1), "pieces"),
    Case("pieces: contributions", LINE, _text(2), "contributions"),
    Case("pieces: contributions, layer norm", CIRCLE, _text(2), "contributions"),
    Case("pieces: logits", LINE, _text(2), "logits"),
    Case("pieces: patched", LINE, _patched, "patched"),
    Case("pieces: cosines", LINE, lambda g: (), "cosines", batched=False),
    Case("pieces: cosines, through a layer norm", CIRCLE, lambda g: (), "cosines", batched=False),
)
THEOREMS = theorems((LINE, CIRCLE), N_VOCAB)

SYSTEM = System(
    "interpret",
    "E16, perpendiculars",
    job="a page for a text: the stream in pieces at right angles, what heads read of heads, the nearest contexts",
    command="lyceum interpret RUN TEXT",
    lens=Perpendiculars,
)
