"""A23, Barbara: two heads of attention, written by hand, that conclude A -> B from A B ... A.

Idea. "If A is said of every B and B of every C, A is said of every C" (Prior Analytics I.4): the conclusion follows
from how the premises stand, whatever the terms are. Two heads draw it from a text. The first says of every position
which letter came before it; the second looks where the present letter came before, and repeats what stands there.

Network. Two layers of the baseline's attention in a residual stream, nothing else:
    x = letters[w],   x = x + first(x),   x = x + second(x),   log p = log_softmax(answers x)
The alphabet has 8^2 letters. A letter w = 8 j + k is two hands of a clock, e_w = (exp(2 pi i j / 8), exp(2 pi i k / 8))
over sqrt 2: four channels, in the two planes of a head of width 8 that rotary positions (A5) leave as they are, for as
long as no sentence ends. For another letter <e_v, e_w> <= 1 - g, g = (1 - cos(2 pi / 8)) / 2 = 0.146.
The first head (`heads.previous_token`) scores s_1 K(t - u - 1), K(n) = cos n + cos(n / 10), and writes e of the letter
before. The second (`heads.induction`) scores s_2 (<e of w_t, e of w_(u-1)> - c <e of w_t, e of w_u>), and writes e of
the letter that it finds. Row w of answers is s_3 e_w.

Why c. Position 0 has none before it and reads itself. If A stands there, both it and the position after it seem to come
after A, and p(B) would be 1/2. So a letter counts a little against its own position, c = g / (2 + g).

Theorem (Barbara). In a text of at most 64 letters let the last, A, stand at exactly one position before, m; let B be
the letter at m + 1. Then p(B) >= 0.9999. (If m + 1 is the last position, B is A.) Since nothing later is seen, it is so
at every position of a text whose letter stands there for the second time.
Proof. K(0) - K(n) >= g_1 = 0.2144 for n = -1, 1, 2, ..., 62, a table; the least is at n = 6, almost a turn. So the
first head's weight elsewhere is at most e_1 = 63 exp(-s_1 g_1), and what it writes is within 2 e_1 of e_w of the letter
before. In units of s_2, position m + 1 scores at least 1 - c (1 - g), or 1 - c if B = A; position 0 with A on it 1 - c;
every other position at most 1 - g + c. The lead is g c, or g - 2 c: either is g_2 = g^2 / (2 + g) = 0.00999. (If m = 0
and B = A, position 0 holds B too.) Errors of the first head take 4 e_1 at most. So the second head's weight elsewhere
is at most e_2 = 63 exp(-s_2 (g_2 - 4 e_1)), and 1 - p(B) <= 63 exp(-s_3 (g - 4 e_2)), which is 2.8e-5 for
s_1, s_2, s_3 = 80, 1600, 100.
Theorem (signs). With a wrong sign in the scores of either head, or in what it writes, p(B) is below 1/5 in the mean
over such texts, one for each m: the first head attends to where K is least, the second to the letter least like A.

Job. `lyceum.personas.aristotle.circuit.start`: both heads as initial values of the model, `--with circuit`. It has the
same parameters and the same forward pass as without. `demonstration` shows where the heads attend in a text.

Cost. None: no parameter, no operation.
Sources: Olsson et al. 2022 (induction heads); Elhage et al. 2021 (circuits of two layers); Weiss et al. 2021 (RASP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from lyceum.personas.aristotle.circuit.heads import Stream, induction, previous_token
from lyceum.personas.aristotle.circuit.start import WrittenHeads
from lyceum.personas.aristotle.circuit.theorems import theorems
from lyceum.personas.aristotle.rope import Opposition, square
from lyceum.personas.baseline.attention import Attention
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.skeleton import START
from lyceum.personas.spec.system import System

WIDTH = 8  # of a head: two planes turn with the position, two stay
LETTER, PREVIOUS, ANSWER = np.arange(12).reshape(3, 4)  # channels of the stream
CODES, CONSTANT = (LETTER, PREVIOUS, LETTER, ANSWER), 12


@dataclass(frozen=True)
class Barbara:
    """n_head: heads of a layer, two or more, of which the first is written. hours: the root of the alphabet's size.

    previous, induction, answer: how sharp the two heads and the head of the vocabulary are, s_1, s_2 and s_3.
    """

    n_head: int = 4
    hours: int = 8
    previous: float = 80.0
    induction: float = 1600.0
    answer: float = 100.0

    @property
    def layer(self) -> Attention:
        """The reference of either layer."""
        return Attention(WIDTH * self.n_head, self.n_head)

    @property
    def positions(self) -> Opposition:
        """The positions of a text without sentences."""
        return square(WIDTH, self.n_head, np.zeros(self.hours**2, np.int32))

    @property
    def gap(self) -> float:
        """g: 1 less the greatest product of the codes of two letters."""
        return (1 - np.cos(2 * np.pi / self.hours)) / 2

    def codes(self) -> np.ndarray:
        """e_w of every letter, (hours^2, 4): two cosines, two sines."""
        angle = 2 * np.pi / self.hours * np.stack(np.divmod(np.arange(self.hours**2), self.hours), axis=-1)
        return np.concatenate([np.cos(angle), np.sin(angle)], axis=-1) / np.sqrt(2)

    def initial(self, generator: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """The written weights; nothing is drawn.

        {"letters": (hours^2, d), "answers": the same, "first.qkv.weight": (3d, d), "first.out.weight": (d, d), and
        "second." the same}.
        """
        d, frequencies = WIDTH * self.n_head, self.positions.frequencies
        stream = Stream(np.eye(d)[CONSTANT], *CODES)
        letters, answers = np.zeros((2, self.hours**2, d))
        letters[:, stream.letter], letters[:, CONSTANT] = self.codes(), 1
        answers[:, stream.answer] = self.answer * self.codes()
        nothing = {"qkv.weight": np.zeros((3 * d, d)), "out.weight": np.zeros((d, d))}
        first = previous_token(stream, frequencies, self.previous).into(nothing, 0)
        second = induction(stream, frequencies, self.induction, self.gap / (2 + self.gap)).into(nothing, 0)
        layers = {"first": first, "second": second}
        written = {f"{layer}.{name}": x for layer, p in layers.items() for name, x in p.items()}
        return {"letters": letters, "answers": answers} | written

    def states(self, p: dict[str, np.ndarray], ids: np.ndarray, *rotation: np.ndarray) -> tuple[np.ndarray, ...]:
        """ids (B, T), the positions' rotation -> the stream before the layers, between them and after, (B, T, d)."""
        x = [p["letters"][ids]]
        for layer in ("first", "second"):
            x.append(x[-1] + self.layer(below(p, layer), x[-1], *rotation))
        return tuple(x)

    def __call__(self, p: dict[str, np.ndarray], ids: np.ndarray, *rotation: np.ndarray) -> np.ndarray:
        """ids (B, T), the positions' rotation -> log p of the next letter, (B, T, hours^2), nats."""
        return log_softmax(self.states(p, ids, *rotation)[-1] @ p["answers"].T, axis=-1)

    def patterns(self, p: dict[str, np.ndarray], ids: np.ndarray, *rotation: np.ndarray) -> tuple[np.ndarray, ...]:
        """ids (B, T), rotation -> where all heads of the first layer and of the second attend, (B, H, T, T) each."""
        x, between, _ = self.states(p, ids, *rotation)
        return self.attends(below(p, "first"), x, rotation), self.attends(below(p, "second"), between, rotation)

    def attends(self, p: dict[str, np.ndarray], x: np.ndarray, rotation: tuple) -> np.ndarray:
        """The parameters of a layer, what it reads (B, T, d), rotation -> where each head attends, (B, H, T, T)."""
        return self.layer.weights(p, *self.layer.parts(p, x, *rotation)[:2])


class Demonstration(NamedTuple):
    """text: T letters. previous, induction (T, T): where each position attends. probabilities (T, 64): of the next."""

    text: str
    previous: np.ndarray
    induction: np.ndarray
    probabilities: np.ndarray


def demonstration(text: str = "BARBA") -> Demonstration:
    """What the network makes of 1 to 64 of the characters from the space to the underscore, ASCII 32 to 95.

    Raises PersonaError for another text.
    """
    if not 1 <= len(text) <= 64 or not all(" " <= character <= "_" for character in text):
        raise PersonaError("give 1 to 64 capitals, digits and marks: the circuit reads the characters from ' ' to '_'.")
    spec, ids = Barbara(), np.array([[ord(character) - 32 for character in text]], np.int32)
    p = spec.initial(np.random.default_rng(0), 1)
    _, *rotation = spec.positions({}, np.zeros((*ids.shape, WIDTH * spec.n_head)), ids)
    first, second = spec.patterns(p, ids, *rotation)
    return Demonstration(text, first[0, 0], second[0, 0], np.exp(spec(p, ids, *rotation))[0])


BLUNT = Barbara(n_head=2, hours=3, previous=2.0, induction=2.0, answer=2.0)


def _text(batch: int, length: int, spec: Barbara = BLUNT):
    """ids, and the rotation of their positions."""

    def drawn(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        ids = g.integers(0, spec.hours**2, (batch, length)).astype(np.int32)
        return ids, *spec.positions({}, np.zeros((batch, length, 1)), ids)[1:]

    return drawn


CASES = (
    Case("circuit: blunt heads", BLUNT, _text(2, 9)),
    Case("circuit: four heads", Barbara(previous=4.0, induction=4.0, answer=4.0), _text(2, 20, Barbara())),
    Case("circuit: one letter", BLUNT, _text(2, 1)),
    Case("circuit: states", BLUNT, _text(2, 9), "states"),
    Case("circuit: patterns", BLUNT, _text(2, 9), "patterns"),
)
THEOREMS = theorems(Barbara())

SYSTEM = System(
    "circuit",
    "A23, Barbara",
    job="initial values: a previous-token head and an induction head, which copy from the first step",
    needs=("tokenize", "rope"),
    excludes={
        "mla": "its latent heads cannot be written by hand",
        "ssm": "the second block must be attention",
        "superpose": "its embedding has no genera, of which every token has one",
    },
    build=lambda modules, sizes, tables: {START: WrittenHeads()},
)
