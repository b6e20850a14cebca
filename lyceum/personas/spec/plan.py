"""A plan: one model and its training, complete, before any framework has touched it.

It has the sizes that the contract fixes, the persona's modules, the tables prepared from the training split, the
initial value of every parameter, which parameters decay, the dropout masks of every step and the recipe. A backend adds
nothing but arithmetic, so two backends that follow one plan start from identical numbers and see identical noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from lyceum.personas.spec.persona import Persona
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.skeleton import START, Layer, Skeleton, assemble
from lyceum.personas.spec.system import title
from lyceum.rng import keep_mask, stream

# Of the parameters: the blocks' matrices; whatever else decays, such as embedding and head; gains and biases.
GROUPS = ("matrices", "tables", "vectors")


@dataclass(frozen=True)
class Plan:
    """persona: the record. systems: the names of those that are enabled. fixed: the contract's sizes.

    tables: arrays by name, "<system>.<table>". modules: references by name: "vocabulary", "position", "norm", "mixer"
    and "mlp"; with a memory "memory" and "evidence"; "objective" and "regulariser" if training asks for more than the
    log loss; "start", (skeleton, drawn initial values) -> initial values, if these are not as their layers draw them;
    "retain" if a first text restrains it (`lyceum.personas.model.retain`). A reference is a frozen dataclass; its
    implementation in a backend takes the same fields. "mixer" and "mlp" may be tuples of references, which the blocks
    take in turn.
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
        """The persona and how it differs from its default: "aristotle with ssm without rope"."""
        return title(self.persona, self.systems)

    @property
    def skeleton(self) -> Skeleton:
        """The layers of the model before it grows, as the forward pass connects them."""
        return assemble(self.built, self.fixed.n_layer, self.waiting)

    @property
    def built(self) -> dict[str, Any]:
        """The modules as the model has them before it grows."""
        return self.modules if self.recipe.growth is None else self.recipe.growth.modules(self.modules)

    @property
    def grown(self) -> Plan:
        """The plan of the model that this one grows to."""
        return replace(self, recipe=replace(self.recipe, growth=None))

    def width(self, step: int = 0) -> int:
        """The width of the residual stream at iteration `step`."""
        plan = self.grown if step >= max(self.growth_steps(), default=0) else self
        return plan.skeleton.norm.spec.n_embd

    @property
    def waiting(self) -> tuple[int, ...]:
        """The blocks that are no part of the model until it grows."""
        return () if self.recipe.growth is None else self.recipe.growth.waiting(self.fixed.n_layer)

    def growth_steps(self) -> tuple[int, ...]:
        """The iterations before which the model grows."""
        growth = self.recipe.growth
        return () if growth is None else growth.steps(self.fixed.n_layer, self.recipe.total_steps)

    def born(self) -> np.ndarray:
        """When each block became active, in steps of the optimizer, (n_layer,): at first 0, or -1 if it waits."""
        return np.array([-1 if i in self.waiting else 0 for i in range(self.fixed.n_layer)])

    def waits(self, name: str) -> bool:
        """Whether a parameter is of a block that waits."""
        return name.startswith(tuple(f"blocks.{i}." for i in self.waiting))

    def layers(self) -> Iterator[Layer]:
        """(name, reference) of every layer, in the order of the forward pass."""
        return self.skeleton.layers()

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """The initial value of every parameter, float32, by the name it has in both backends."""
        values = {}
        for layer, spec in self.layers():
            initial = spec.initial(stream(seed, f"initial/{layer}"), self.fixed.n_layer)
            values |= {f"{layer}.{name}": np.asarray(value, np.float32) for name, value in initial.items()}
        if START in self.modules:
            values = self.modules[START](self.skeleton, values)
        return values if self.recipe.growth is None else self.recipe.growth.initial(values, self.fixed.n_layer)

    def router_biases(self) -> set[str]:
        """The parameters without gradient: their layers update them (`lyceum.personas.model.router_bias`)."""
        return {f"{layer}.{name}" for layer, spec in self.layers() for name in getattr(spec, "router_biases", ())}

    @staticmethod
    def decays(value) -> bool:
        """Whether weight decay applies: to matrices, never to gains and biases (rank 1)."""
        return value.ndim >= 2

    @staticmethod
    def group(name: str, value) -> str:
        """The group of a parameter, which has one rule, one decay and one learning rate: see GROUPS."""
        if not Plan.decays(value):
            return "vectors"
        return "matrices" if name.startswith("blocks.") and value.ndim == 2 else "tables"

    def grouped(self, parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """{group: its parameters by name}, for the parameters with a gradient; no group is empty."""
        groups: dict[str, dict[str, Any]] = {}
        for name, value in parameters.items():
            groups.setdefault(self.group(name, value), {})[name] = value
        return groups

    def is_hidden(self, name: str, value) -> bool:
        """Whether a parameter is a matrix of a block and the recipe has a rule for those."""
        return self.recipe.hidden is not None and self.group(name, value) == "matrices"

    def noise(self, seed: int, step: int) -> dict[str, np.ndarray]:
        """The dropout masks of one step, (B, T, d) float32 at each site; empty when the recipe has no dropout.

        While an objective has a weight, it is here too, () float32, by the objective's name: with the masks it is all
        that a training step gets besides its batch and its learning rate.
        """
        noise = {name: np.array(weight, np.float32) for name, weight in self.objective_weights(step).items() if weight}
        if not self.recipe.dropout:
            return noise
        generator = stream(seed, "dropout", step)
        shape = (self.fixed.batch_size, self.fixed.block_size, self.width(step))
        return noise | {site: keep_mask(generator, shape, self.recipe.dropout) for site in self.skeleton.noise_sites()}

    def objective_weights(self, step: int) -> dict[str, float]:
        """The weight of each objective at iteration `step`; where all are 0 the loss is the log loss."""
        total = self.recipe.total_steps
        return {layer.name: layer.spec.weight(step, total) for layer in self.skeleton.objectives}

    def evidence(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
        """The memory's evidence for targets, ids and targets (B, T): arrays for the backends, () without a memory."""
        return self.modules["evidence"].for_targets(ids, targets) if "evidence" in self.modules else ()

    def evidence_at(self, ids: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same for every id that may follow one position of each row: ids (B, T), positions (B,)."""
        return self.modules["evidence"].for_all_ids(ids, positions) if "evidence" in self.modules else ()

    def describe(self) -> dict:
        """Everything that defines the model and its training, JSON-able: every number, arrays by their SHA-256.

        Checkpoints are compared by it, so that a run is never continued by another model or another recipe. The
        numbers that draw initial values are no part of it: in a checkpoint is what has become of them.
        """
        return {
            "persona": self.persona.name,
            "systems": list(self.systems),
            "fixed": asdict(self.fixed),
            "modules": {name: described(spec) for name, spec in self.modules.items()},
            "recipe": described(self.recipe),
            "tables": {name: described(table) for name, table in self.tables.items()},
        }


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
        values = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", **values}
    if isinstance(value, dict):
        return {name: described(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [described(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is {type(value).__name__}: give a module fields of numbers, text, arrays and records.")
