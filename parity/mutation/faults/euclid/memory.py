"""Faults in the mixture, as E19, Pythagoras, uses it."""

from __future__ import annotations

from parity.mutation.planting import Fault

MIXTURE = "common.mixture"

FAULTS = (
    Fault("offsets counted twice", "added the offset of every guide twice", MIXTURE, "recollection",
          torch=("scores[..., 1:] + offsets]", "scores[..., 1:] + 2 * offsets]"),
          mlx=("scores[..., 1:] + offsets]", "scores[..., 1:] + 2 * offsets]")),
    Fault("the model's uncertainty left out", "gave the gate the features of the neighbours alone", MIXTURE,
          "recollection",
          torch=("[features, uncertainty]", "[features, 0 * uncertainty]"),
          mlx=("[features, uncertainty]", "[features, 0 * uncertainty]")),
    Fault("guides without the model", "mixed the neighbours' votes without the model", MIXTURE, "recollection",
          torch=("[model_log_prob[..., None], parts]", "[model_log_prob[..., None] - 99, parts]"),
          mlx=("[model_log_prob[..., None], parts]", "[model_log_prob[..., None] - 99, parts]")),
)  # fmt: skip
