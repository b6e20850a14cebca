"""What Aristotle sees in a text: contributions, where heads look, and what each head is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lyceum.personas.lens.heat_map import HeatMap, Reading
from lyceum.personas.lens.scores import induction, previous_token, uniform
from lyceum.rng import stream

PROBES = 8  # orders in which the tokens of the text are drawn for the probe


def heat_maps(spec: Any, reading: Reading) -> tuple[HeatMap, ...]:
    """spec: the lens, `lyceum.personas.aristotle.interpret.Causes`."""
    attending = spec.attending()
    return *contributions(spec, reading), *(heads(attending, reading) if attending else ())


def contributions(spec: Any, reading: Reading) -> Iterator[HeatMap]:
    """The direct contributions at the position, level by level, and those at every position."""
    values = reading.call("contributions", reading.ids, reading.targets)[0].astype(np.float64)
    logits = reading.call("logits", reading.ids, reading.targets)[0]
    levels, rows = spec.modules["vocabulary"].LOGITS, (*spec.parts(), "base rate")
    here, columns = values[reading.at], levels
    if len(levels) > 1:
        here, columns = np.concatenate([here, here.sum(-1, keepdims=True)], -1), (*levels, "sum")
    error = np.abs(values.sum(1) - logits).max()
    yield HeatMap(
        f"What gave “{reading.expected[reading.at]}” its logit",
        "The direct contribution of each head and each MLP to the logit of this token, with the scale of the final "
        f"norm frozen: {_described(levels)} The last row is the sum of those above, the logit itself; at every "
        f"position of this text it is that of the forward pass to within {error:.1g}. The base rate is a constant of "
        "the token.",
        (*rows, "logit"),
        columns,
        np.concatenate([here, here.sum(0, keepdims=True)]),
        full=float(np.abs(here[:-1]).max()),
    )
    total = values.sum(-1).T
    yield HeatMap(
        "Contributions to every token",
        f"The same for each token of the text and the parts that wrote before it{_summed(levels)}. "
        "A column is the token whose logit it is.",
        rows,
        reading.expected,
        total,
        full=float(np.abs(total[:-1]).max()),
        tokens=True,
    )


def heads(attending: tuple[str, ...], reading: Reading) -> Iterator[HeatMap]:
    """Where each head looks from the position, and its scores."""
    attention = reading.call("attention", reading.ids).astype(np.float64).swapaxes(1, 2)  # (1, heads, T, T)
    length, seen = reading.ids.shape[1], reading.at + 1
    yield HeatMap(
        f"Where the heads look for “{reading.expected[reading.at]}”",
        "The attention of each head at the position before that token; a row adds up to 1.",
        attending,
        reading.read[:seen],
        attention[0, :, reading.at, :seen],
        unit="of the attention",
        signed=False,
        tokens=True,
    )
    probe = repeated(reading.ids)
    looked = reading.call("attention", probe).astype(np.float64).swapaxes(1, 2)
    alike = uniform(length)[None], uniform(probe.shape[1])[None].repeat(PROBES, 0)
    rows = [
        np.stack([previous_token(on_text[0]), induction(on_text, reading.ids), induction(on_probe, probe)], -1)
        for on_text, on_probe in ((attention, looked), (alike[0][:, None], alike[1][:, None]))
    ]
    yield HeatMap(
        "What the heads are",
        "Previous token: how much of its attention a head gives to the token before. Induction: how much to what "
        "followed the same token before, in this text and in a probe, the tokens of the text in random order, twice. "
        "The last row is a head that looks everywhere alike.",
        (*attending, "everywhere alike"),
        ("previous token", "induction", "induction, probe"),
        np.concatenate(rows),
        unit="of the attention",
        signed=False,
    )


def repeated(ids: np.ndarray) -> np.ndarray:
    """ids (1, T) -> (PROBES, 2 n): n = ceil(T / 2) tokens of the text in random order, twice."""
    n, generator = -(-ids.shape[1] // 2), stream(0, "interpret/probe")
    half = np.stack([generator.permutation(ids[0])[:n] for _ in range(PROBES)])
    return np.concatenate([half, half], axis=1)


def _described(levels: tuple[str, ...]) -> str:
    if len(levels) == 1:
        return "its logit is a sum over them."
    return f"a softmax at each level, {', '.join(levels)}, and a logit in each."


def _summed(levels: tuple[str, ...]) -> str:
    return "" if len(levels) == 1 else f", the sum of {', '.join(levels)}"
