"""A model that continues ids, one or several texts side by side.

While no more than block_size ids are there, each is read once, and the cache has what later ones need of it
(`lyceum.personas.properties.sequences`). After that the window slides, and is read anew for every token: the model was
trained on blocks that begin at position 0, and the cache of an id has seen ids that have left the window since.

The variates of token number t are addressed by (seed, "sample", t), so the same seed gives the same text in both
backends wherever no choice hangs on the last digits of a logit. How many do is counted
(`lyceum.personas.model.sampling_margin`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lyceum.runs.checkpoint import CheckpointError

NEAR = 2e-5  # nats: the backends' log probabilities of trained runs differ by 6e-6 at most, in float32


class Writer:
    """trainer: a backend's, with the parameters. block_size: how many ids it sees. sampler: the reference.

    draws: what was drawn so far, one row a token, as in `Sampler.draw`. near: how many choices were within NEAR of
    another. texts: the continuations so far, as bytes of their ids.
    """

    def __init__(self, trainer, block_size: int, sampler, seed: int):
        self.trainer, self.block_size, self.sampler, self.seed = trainer, block_size, sampler, seed
        self.draws: list[np.ndarray] = []
        self.near = 0
        self.texts: list[bytes] = []

    def continued(self, ids: np.ndarray, count: int) -> Iterator[int]:
        """The `count` ids that follow ids (N,), N >= 1, one after another. Raises CheckpointError for NaN."""
        yield from (int(written[0]) for written in self.side_by_side(ids, count, range(1)))

    def side_by_side(self, ids: np.ndarray, count: int, ranks: Sequence[int]) -> Iterator[np.ndarray]:
        """The same for the continuations of these ranks, counted from 0: `count` arrays (n,) of ids."""
        n, written = len(ranks), []
        context = np.tile(np.asarray(ids, np.int32)[-self.block_size :], (n, 1))
        variates = self.sampler.variates(self.seed, np.array(ranks))
        cache, cached = self.trainer.start(n), 0
        for step in range(count):
            length = context.shape[1]
            if length <= self.block_size:
                cache, log_probs = self.trainer.go_on(cache, context, length - cached)
                cached = length
            else:
                context = context[:, -self.block_size :]
                log_probs = self.trainer.log_probs(context, np.full(n, self.block_size - 1, np.int32))
            if not np.isfinite(log_probs.max(axis=1)).all():
                raise CheckpointError("the model of this checkpoint answers NaN: it has diverged, give another run.")
            drawn = self.trainer.draw(self.sampler, log_probs, *variates.advance(step))
            self.near += sum(variates.clearance(i, row) < NEAR for i, row in enumerate(log_probs.astype(np.float64)))
            variates.follow(drawn)
            self.draws.extend(drawn)
            written.append(drawn[:, 0].astype(np.int32))
            context = np.concatenate([context, written[-1][:, None]], axis=1)
            yield written[-1]
        self.texts += [text.tobytes() for text in np.array(written).T]

    def summary(self) -> str:
        """What was written, in one line."""
        if not self.draws:
            return "0 tokens"
        count = len(self.texts)
        texts = f"{count} continuations, {len(set(self.texts))} of them distinct; " if count > 1 else ""
        sampler = self.sampler.summary(np.array(self.draws))
        return f"{texts}{len(self.draws)} tokens; {sampler}; {self.near} choices within {NEAR:g} nats of another"
