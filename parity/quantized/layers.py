"""The quantized layers of an MLX model: which they are, and the weights that their bits encode.

A layer is quantized if it has packed integers `weight`, numbers `scales` for groups of them, and says `bits` and
`group_size`: MLX's QuantizedLinear and QuantizedEmbedding, those of mlx-lm, and any of the user's that is made alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.contract import UsageError
from parity.bounds.rounding import UNIT
from parity.float64.quantized import codes, dequantize
from parity.sides.test_point import Arrays

PACKED = (mx.uint32, mx.uint8)


@dataclass(frozen=True)
class Layer:
    """path: within the model. module: the layer."""

    path: str
    module: nn.Module

    @property
    def name(self) -> str:
        """Of the weight that it encodes."""
        return f"{self.path}.weight" if self.path else "weight"

    @property
    def affine(self) -> bool:
        """Whether a code q means s q + b."""
        return self.module.get("biases") is not None

    def decoded(self, scales: np.ndarray | None = None, biases: np.ndarray | None = None) -> np.ndarray:
        """(..., out, in) float64, as `parity.float64.quantized` defines it, also for other scales and offsets.

        Raises UsageError if the bits do not make rows of groups.
        """
        module = self.module
        with mx.stream(mx.cpu):
            s = module.scales if scales is None else mx.array(scales, mx.float64)
            b = module.get("biases") if biases is None else mx.array(biases, mx.float64)
            columns = module.weight.shape[-1] * 32 // module.bits
            if columns != s.shape[-1] * module.group_size:
                raise UsageError(
                    f"{self.name}: a row has {columns} weights of {module.bits} bits, but {s.shape[-1]} groups of "
                    f"{module.group_size}: bits or group_size is not what it was quantized with."
                )
            mode = getattr(module, "mode", "affine")
            return np.array(dequantize(module.weight, s, b, module.group_size, module.bits, mode))

    def codes(self) -> np.ndarray:
        """(..., out, in) the codes, float64."""
        with mx.stream(mx.cpu):
            return np.array(codes(self.module.weight, self.module.bits))

    def steps(self) -> np.ndarray:
        """(..., out, in) how far each weight may be from what was quantized, of an affine layer.

        Half a step of its group; a full one at the ends of the range, which MLX shifts so that 0 is a code; and the
        rounding of the scale and the offset, which are stored in their precision.
        """
        with mx.stream(mx.cpu):
            scales, biases = (
                np.abs(np.array(self.module[key].astype(mx.float32)).astype(np.float64)).repeat(
                    self.module.group_size, -1
                )
                for key in ("scales", "biases")
            )
        numbers, unit = self.codes(), UNIT[str(self.module.scales.dtype).rpartition(".")[2]]
        ends = (numbers == 0) | (numbers == 2**self.module.bits - 1)
        return scales * np.where(ends, 1.0, 0.5) + 4 * unit * (numbers * scales + biases)


def quantized_layers(model: nn.Module) -> list[Layer]:
    """Every quantized layer, in order. Raises UsageError if there is none."""
    layers = [
        Layer(path, module)
        for path, module in model.named_modules()
        if isinstance(module.get("weight"), mx.array)
        and module.weight.dtype in PACKED
        and isinstance(module.get("scales"), mx.array)
        and hasattr(module, "bits")
        and hasattr(module, "group_size")
    ]
    if not layers:
        raise UsageError(
            f"{type(model).__name__} has no quantized layer, one with weight (packed integers), scales, bits and "
            "group_size: call mlx.nn.quantize(model) first."
        )
    return sorted(layers, key=lambda layer: layer.path)


def shapes(arrays: Arrays, layers: list[Layer], decoded: Arrays) -> dict[str, tuple[int, ...]]:
    """The shapes of the model's parameters as if nothing were quantized, by name. arrays: its floating parameters."""
    prefixes = [layer.name.removesuffix("weight") for layer in layers]
    stored = {prefix + key for prefix in prefixes for key in ("scales", "biases")}
    return {name: x.shape for name, x in arrays.items() if name not in stored} | {
        name: x.shape for name, x in decoded.items()
    }
