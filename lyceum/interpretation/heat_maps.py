"""The heat maps that all personas share: how well each token was foreseen, patching, and the memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyceum.interpretation.model import Model
from lyceum.interpretation.question import Question
from lyceum.personas.lens.heat_map import HeatMap, Reading

AT_ONCE = 64  # patched texts in a batch


def foreseen(reading: Reading, model: np.ndarray, mixed: np.ndarray | None) -> HeatMap:
    """model, mixed (T,): log p of each token by the model alone, and with its memory if it has one."""
    rows, values = ("the model",), model[None]
    if mixed is not None:
        rows, values = ("with the memory", "the model alone"), np.stack([mixed, model])
    return HeatMap(
        "How probable each token was",
        "A column is a token, after all before it.",
        rows,
        reading.expected,
        np.exp(values),
        unit="",
        signed=False,
        tokens=True,
        full=1.0,
    )


def memory(reading: Reading, model: Model, log_prob: np.ndarray) -> tuple[np.ndarray, tuple[HeatMap, ...]]:
    """log p of each token with the memory, (T,), and the maps of weights and shares.

    log_prob: of each token by the model alone, (T,).
    """
    features, offsets, parts = model.evidence(reading.ids, reading.targets)
    weights = model.call("memory_weights", reading.ids, features, offsets)[0].astype(np.float64)
    given = weights * np.exp(np.concatenate([log_prob[:, None], parts[0]], axis=1))
    total = given.sum(1)
    rows = ("the model", *model.plan.modules["evidence"].parts())
    common = {"rows": rows, "columns": reading.expected, "unit": "", "signed": False, "tokens": True, "full": 1.0}
    maps = (
        HeatMap(
            title="Whom the memory's gate trusts",
            note="The weight of the model and of each part of the memory, before the token is known; columns add up "
            "to 1. The first parts look up contexts in the training text; seen, novel and uniform know no context; "
            "cache and follow look at this text alone.",
            values=weights.T,
            **common,
        ),
        HeatMap(
            title="Who gave the token its probability",
            note="Weight times the probability that the part gave to this token, as a share of the sum.",
            values=(given / total[:, None]).T,
            **common,
        ),
    )
    return np.log(total), maps


def patching(reading: Reading, model: Model, question: Question, log_prob: np.ndarray) -> HeatMap:
    """What the log probability of the token becomes where one output is the other text's."""
    at, sites, other = reading.at, model.spec.sites(), question.other[None]
    shape = (at + 2, len(sites))  # every position up to here, and all of them at once
    where = np.zeros((*shape, reading.ids.shape[1], len(sites)), np.int32)
    for site in range(len(sites)):
        where[np.arange(at + 1), site, np.arange(at + 1), site] = 1
        where[at + 1, site, :, site] = 1
    changed = np.concatenate(list(_patched(reading, model, other, where.reshape(-1, *where.shape[2:]))))
    change = changed.reshape(shape).T - log_prob[at]
    there = model.call("log_prob", other, reading.targets)[0, at]
    theirs = question.shown(question.other)
    pairs = zip(reading.read, theirs, strict=True)
    columns = [one if one == two else f"{one} → {two}" for one, two in pairs][: at + 1]
    return HeatMap(
        f"What would change “{reading.expected[at]}”",
        "The change of its log probability if what one layer writes at one position is taken from the run on the other "
        f"text, “{''.join(theirs)}”; in the last column at all positions. By the model alone it is {log_prob[at]:.4f} "
        f"after this text and {there:.4f} after the other. Positions where both texts agree so far change nothing.",
        sites,
        (*columns, "all"),
        change,
        tokens=True,
    )


def _patched(reading: Reading, model: Model, other: np.ndarray, where: np.ndarray) -> Iterator[np.ndarray]:
    """log p of the token for each mask of `where` (N, T, S)."""
    for first in range(0, len(where), AT_ONCE):
        masks = where[first : first + AT_ONCE]
        texts = (np.repeat(x, len(masks), axis=0) for x in (reading.ids, reading.targets, other))
        yield model.call("patched", *texts, masks)[:, reading.at]
