"""Question and model -> all that the page shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.interpretation import heat_maps
from lyceum.interpretation.model import Model
from lyceum.interpretation.question import Question
from lyceum.personas.lens.heat_map import HeatMap, Reading

LIKELIEST = 8  # alternatives that are listed


@dataclass(frozen=True)
class Alternative:
    """A token that could follow: as text, and log p of it with the memory and by the model alone."""

    token: str
    with_memory: float
    alone: float


@dataclass(frozen=True, eq=False)
class Answer:
    """at: the position, from 0. alternatives: the likeliest tokens there, and the one that is explained, the first."""

    reading: Reading
    title: str
    computed_by: str
    has_memory: bool
    alternatives: tuple[Alternative, ...]
    maps: tuple[HeatMap, ...]

    @property
    def token(self) -> str:
        """The token that is explained."""
        return self.reading.expected[self.reading.at]


def answered(question: Question, model: Model) -> Answer:
    """The answer to a question."""
    ids, at, has_memory = question.ids[None], question.at, "evidence" in model.plan.modules
    alone = model.next_log_probs(ids, at, with_memory=False)
    mixed = model.next_log_probs(ids, at, with_memory=True) if has_memory else alone
    targets = np.append(question.ids[1:], mixed.argmax()).astype(np.int32)
    if question.token is not None:
        targets[at] = question.token
    read, expected = question.shown(question.ids), question.shown(targets)
    reading = Reading(ids, targets[None], read, expected, at, model.call, question.shown)
    log_prob = model.call("log_prob", ids, reading.targets)[0].astype(np.float64)
    remembered, of_memory = heat_maps.memory(reading, model, log_prob) if has_memory else (None, ())
    patched = () if question.other is None else (heat_maps.patching(reading, model, question, log_prob),)
    likeliest = [i for i in np.argsort(-mixed, kind="stable")[: LIKELIEST + 1] if i != targets[at]][:LIKELIEST]
    listed = np.array([targets[at], *likeliest])
    return Answer(
        reading,
        model.plan.title,
        f"{model.backend} on {model.device}, float32",
        has_memory,
        tuple(map(Alternative, question.shown(listed), mixed[listed].tolist(), alone[listed].tolist())),
        (heat_maps.foreseen(reading, log_prob, remembered), *model.spec.heat_maps(reading), *patched, *of_memory),
    )
