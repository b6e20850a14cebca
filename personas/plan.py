"""A plan: one model, complete, before any framework has touched it.

It knows the sizes the contract fixes, the persona's parts, the tables prepared from the training split, the initial
value of every parameter, which parameters decay, the chances of every step and the recipe. A wing adds nothing but
arithmetic, so two wings that follow one plan start from identical numbers and see identical noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from corpus.chance import keep_mask, stream
from personas.persona import Persona
from personas.recipe import Recipe
from personas.system import title


@dataclass(frozen=True)
class Plan:
    """persona: the record. systems: the names of those that stand. fixed: the contract's sizes.

    tables: arrays by name, "<system>.<table>". parts: specifications by slot ("vocabulary", "position", "norm",
    "mixer", "mlp"), frozen dataclasses of `personas`, whose namesakes in the wings take their fields. For "mixer" and
    "mlp" a tuple of them may stand, which the blocks take in turn.
    """

    persona: Persona
    systems: tuple[str, ...]
    fixed: Any
    tables: dict[str, np.ndarray]
    parts: dict[str, Any]
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.persona.name

    @property
    def title(self) -> str:
        """The persona, and in what it differs from its default: "aristotle with ssm without rope"."""
        return title(self.persona, self.systems)

    def blocks(self) -> Iterator[dict[str, Any]]:
        """The four specifications of each block, by place."""
        for i in range(self.fixed.n_layer):
            mixer, mlp = (_in_turn(self.parts[slot], i) for slot in ("mixer", "mlp"))
            yield {"norm1": self.parts["norm"], "mixer": mixer, "norm2": self.parts["norm"], "mlp": mlp}

    def places(self) -> Iterator[tuple[str, Any]]:
        """(prefix, specification) of every part, in the order of the forward pass."""
        yield "vocabulary", self.parts["vocabulary"]
        yield "position", self.parts["position"]
        for i, block in enumerate(self.blocks()):
            yield from ((f"blocks.{i}.{place}", spec) for place, spec in block.items())
        yield "norm", self.parts["norm"]

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """The initial value of every parameter, float32, by the name it has in both wings."""
        values = {}
        for prefix, spec in self.places():
            own = spec.initial(stream(seed, f"initial/{prefix}"), self.fixed.n_layer)
            values |= {f"{prefix}.{name}": np.asarray(value, np.float32) for name, value in own.items()}
        return values

    def balances(self) -> set[str]:
        """The parameters without gradient: their room sets them after a training step, see `personas.balance`."""
        return {f"{prefix}.{name}" for prefix, spec in self.places() for name in getattr(spec, "balances", ())}

    @staticmethod
    def decays(value) -> bool:
        """Whether weight decay applies: to matrices, never to gains and biases (rank 1)."""
        return value.ndim >= 2

    def is_hidden(self, name: str, value) -> bool:
        """Whether a parameter follows the recipe's rule for hidden matrices: those of the blocks, if there is one."""
        return self.recipe.hidden is not None and name.startswith("blocks.") and value.ndim == 2

    def noise(self, seed: int, step: int) -> dict[str, np.ndarray]:
        """The dropout masks of one step, (B, T, d) float32 at each site; empty when the recipe has no dropout."""
        if not self.recipe.dropout:
            return {}
        generator = stream(seed, "dropout", step)
        shape = (self.fixed.batch_size, self.fixed.block_size, self.fixed.n_embd)
        return {site: keep_mask(generator, shape, self.recipe.dropout) for site in self.noise_sites()}

    def noise_sites(self) -> Iterator[str]:
        """Where dropout acts: after the embedding, after each mixer and MLP, and before the head."""
        yield "embedding"
        for i in range(self.fixed.n_layer):
            yield f"blocks.{i}.mixer"
            yield f"blocks.{i}.mlp"
        yield "head"

    def evidence(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
        """What the memory brings to the targets of ids, (B, T) each: arrays for the wings; none without a memory."""
        return self.parts["evidence"].of(ids, targets) if "evidence" in self.parts else ()

    def evidence_at(self, ids: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same for every id that may follow one place of each row: ids (B, T), places (B,)."""
        return self.parts["evidence"].at(ids, places) if "evidence" in self.parts else ()

    def describe(self) -> dict:
        """Everything that defines the model and its training, JSON-able; tables by shape."""
        recipe = asdict(self.recipe) | {"betas": list(self.recipe.betas)}
        if (rule := self.recipe.hidden) is not None:
            recipe["hidden"] = {"rule": f"{type(rule).__module__}.{type(rule).__name__}", **asdict(rule)}
        return {
            "persona": self.persona.name,
            "systems": list(self.systems),
            "fixed": asdict(self.fixed),
            "parts": {slot: _title(spec) for slot, spec in self.parts.items()},
            "recipe": recipe,
            "tables": {name: list(table.shape) for name, table in self.tables.items()},
        }


def _in_turn(spec: Any, i: int) -> Any:
    return spec[i % len(spec)] if isinstance(spec, tuple) else spec


def _title(spec: Any) -> str:
    if isinstance(spec, tuple):
        return ", ".join(map(_title, spec))
    return f"{type(spec).__module__}.{type(spec).__name__}"
