"""A plan: one model, complete, before any framework has touched it.

It knows the sizes the contract fixes, the persona's parts, the tables prepared from the training split, the initial
value of every parameter, which parameters decay, the variates of every step and the recipe. A backend adds nothing but
arithmetic, so two backends that follow one plan start from identical numbers and see identical noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from lyceum.personas.spec.persona import Persona
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import title
from lyceum.rng import keep_mask, stream


@dataclass(frozen=True)
class Plan:
    """persona: the record. systems: the names of those that stand. fixed: the contract's sizes.

    tables: arrays by name, "<system>.<table>". parts: specifications by slot ("vocabulary", "position", "norm",
    "mixer", "mlp"), frozen dataclasses of `personas`, whose namesakes in the backends take their fields. For "mixer" and
    "mlp" a tuple of them may stand, which the blocks take in turn.
    """

    persona: Persona
    systems: tuple[str, ...]
    fixed: Any
    tables: dict[str, np.ndarray]
    modules: dict[str, Any]
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
            mixer, mlp = (_in_turn(self.modules[module], i) for module in ("mixer", "mlp"))
            yield {"norm1": self.modules["norm"], "mixer": mixer, "norm2": self.modules["norm"], "mlp": mlp}

    def layers(self) -> Iterator[tuple[str, Any]]:
        """(prefix, specification) of every part, in the order of the forward pass."""
        yield "vocabulary", self.modules["vocabulary"]
        yield "position", self.modules["position"]
        for i, block in enumerate(self.blocks()):
            yield from ((f"blocks.{i}.{place}", spec) for place, spec in block.items())
        yield "norm", self.modules["norm"]

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """The initial value of every parameter, float32, by the name it has in both backends."""
        values = {}
        for prefix, spec in self.layers():
            own = spec.initial(stream(seed, f"initial/{prefix}"), self.fixed.n_layer)
            values |= {f"{prefix}.{name}": np.asarray(value, np.float32) for name, value in own.items()}
        return values

    def router_biases(self) -> set[str]:
        """The parameters without gradient: their layer sets them after a training step, see `lyceum.personas.model.router_bias`."""
        return {f"{prefix}.{name}" for prefix, spec in self.layers() for name in getattr(spec, "router_biases", ())}

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
        """What the memory brings to the targets of ids, (B, T) each: arrays for the backends; none without a memory."""
        return self.modules["evidence"].for_targets(ids, targets) if "evidence" in self.modules else ()

    def evidence_at(self, ids: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same for every id that may follow one place of each row: ids (B, T), places (B,)."""
        return self.modules["evidence"].for_all_ids(ids, places) if "evidence" in self.modules else ()

    def describe(self) -> dict:
        """Everything that defines the model and its training, JSON-able: every number, arrays by their SHA-256.

        What a checkpoint is compared by, so that a run is never continued by another model or another recipe.
        """
        return {
            "persona": self.persona.name,
            "systems": list(self.systems),
            "fixed": asdict(self.fixed),
            "modules": {name: described(spec) for name, spec in self.modules.items()},
            "recipe": described(self.recipe),
            "tables": {name: described(table) for name, table in self.tables.items()},
        }


def _in_turn(spec: Any, i: int) -> Any:
    return spec[i % len(spec)] if isinstance(spec, tuple) else spec


def described(value: Any) -> Any:
    """A record, an array, a sequence or a plain value as JSON-able values that differ if anything in it does.

    Raises TypeError for what is none of these: a module's fields must be numbers that can be compared.
    """
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return {
            "shape": list(data.shape),
            "dtype": str(data.dtype),
            "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
        }
    if is_dataclass(value):
        own = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", **own}
    if isinstance(value, tuple | list):
        return [described(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is {type(value).__name__}: give a module fields of numbers, text, arrays and records.")
