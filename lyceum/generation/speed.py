"""How fast do runs write? Each writes the same number of tokens, in turns with the others (`lyceum.bench.alternate`).

What is timed is what `lyceum sample` does from the prompt to the last id: the memory's evidence, the model, the head
and the sampler; not what is done once, loading and decoding. Each text begins with a new line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyceum import corpus
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.contract import Fixed, UsageError
from lyceum.generation import generate
from lyceum.generation.prompt import Prompt


@dataclass(frozen=True)
class Speed:
    """tokens: a second, of all texts together, the median of the rounds.

    ratio, low, high: tokens a second as a multiple of the first run's, with its 95% interval.
    """

    title: str
    device: str
    tokens: float
    ratio: float
    low: float
    high: float


def speeds(prompts: Sequence[Prompt], rounds: int, fixed: Fixed) -> list[Speed]:
    """The speed of each prompt's run, compared with the first. Raises UserError for a run that cannot be read."""
    try:
        ids = corpus.encode(prompts[0].text)
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
    writers = [generate.writer(prompt, fixed) for prompt in prompts]
    candidates = {
        str(i): _writing(writer, ids, prompt) for i, (writer, prompt) in enumerate(zip(writers, prompts, strict=True))
    }
    seconds = list(alternate(candidates, rounds, steps=1).values())
    return [
        Speed(
            writer.trainer.plan.title,
            writer.trainer.device,
            float(prompt.tokens * prompt.continuations / np.median(taken)),
            *ratio_interval(seconds[0], taken),
        )
        for writer, prompt, taken in zip(writers, prompts, seconds, strict=True)
    ]


def prompts(runs: Sequence, tokens: int, continuations: int, backend: str | None, device: str | None) -> list[Prompt]:
    """What each run is asked to write."""
    first = Prompt("\n", runs[0], tokens, continuations, backend=backend, device=device)
    return [replace(first, run=run) for run in runs]


def _writing(writer, ids: np.ndarray, prompt: Prompt) -> Callable[[int], object]:
    """A function that writes the prompt's texts once, and keeps none of them."""
    return lambda _: deque(writer.side_by_side(ids, prompt.tokens, range(prompt.continuations)), maxlen=0)
