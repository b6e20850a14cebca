"""What `--with circuit` changes early in training: `python -m examples.circuit [ITERATIONS]` (a minute or two).

First where the two heads attend in BARBA, and the next letter. Then, in PyTorch, Aristotle without memory, which copies
too, with and without the written heads: at the start, after 100 iterations and after ITERATIONS (default 300). Printed
are the mean attention of head 0 of the first block to the token before, that of head 0 of the second block to what
followed the same token earlier, and the loss of texts whose second half repeats their first, of the validation split.
"""

from __future__ import annotations

import sys

import numpy as np

import train_mps
from lyceum import corpus, personas
from lyceum.personas.aristotle.circuit import demonstration
from lyceum.personas.model import forward
from lyceum.personas.spec.names import below
from lyceum.training.job import Job
from torch_ref.trainer import Trainer

COMPOSITIONS = {"without": ("tokenize", "rope"), "with": ("tokenize", "rope", "circuit")}
SEED, TEXTS, HALF = 1337, 64, train_mps.FIXED.block_size // 2


def repeated(ids: np.ndarray) -> np.ndarray:
    """Texts (64, 64) whose halves are equal, from all over `ids`, int32."""
    starts = np.linspace(0, len(ids) - HALF, TEXTS).astype(int)
    return np.stack([np.tile(ids[start : start + HALF], 2) for start in starts]).astype(np.int32)


def attention(plan, parameters: dict[str, np.ndarray], ids: np.ndarray) -> list[np.ndarray]:
    """Where head 0 of each of the first two blocks attends, (B, T, T)."""
    inputs = forward.inputs(plan, parameters, ids, {})
    _, *rotation = plan.skeleton.position(parameters, forward.embedded(plan, parameters, ids), ids)
    patterns = []
    for block in plan.skeleton.blocks[:2]:
        p, spec = below(parameters, block.mixer.name), block.mixer.spec
        q, k, _ = spec.parts(p, inputs[block.mixer.name], *rotation)
        patterns.append(spec.weights(p, q, k)[:, 0])
    return patterns


def scores(first: np.ndarray, second: np.ndarray, ids: np.ndarray) -> tuple[float, float]:
    """Attention (B, T, T) of the two heads -> on the token before; on what followed the same token, in half two."""
    after = np.zeros(second.shape)
    after[:, :, 1:] = (ids[:, :, None] == ids[:, None, :])[:, :, :-1]
    after *= np.tri(ids.shape[1], k=-1)
    return np.diagonal(first, -1, 1, 2).mean(), (second * after).sum(-1)[:, HALF:].mean()


def measure(plan, trainer, ids: np.ndarray) -> str:
    """One row: both scores, and the loss in either half."""
    saved = {name: value.astype(np.float64) for name, value in below(trainer.read(), "model").items()}
    previous, induction = scores(*attention(plan, saved, ids), ids)
    losses = trainer.losses(ids, np.roll(ids, -1, axis=1))
    return (
        f"{previous:14.3f}  {induction:9.3f}  {losses[:, : HALF - 1].mean():10.4f}  {losses[:, HALF:-1].mean():11.4f}"
    )


def main(iterations: int) -> None:
    """Print both tables."""
    shown = demonstration()
    for t, letter in enumerate(shown.text):
        sources = (shown.text[pattern[t].argmax()] + str(pattern[t].argmax()) for pattern in shown[1:3])
        print(t, letter, "the heads attend to", *sources, f"next {chr(32 + shown.probabilities[t].argmax())}")
    text = corpus.load()
    ids = repeated(text.val)
    print("\niteration           previous token  induction   first half  second half")
    for name, systems in COMPOSITIONS.items():
        plan = personas.plan("aristotle", train_mps.FIXED, text.train, systems=systems)
        trainer = Trainer(plan, SEED, "cpu")
        job = Job(trainer, plan, text, plan.fixed, SEED)
        for step in range(iterations + 1):
            if step in (0, 100, iterations):
                print(f"{step:9,}  {name:7}  {measure(plan, trainer, ids)}", flush=True)
            job.update(step)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
