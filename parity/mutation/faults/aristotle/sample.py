"""Faults in A10, modality, and in the plain samplers."""

from __future__ import annotations

from parity.mutation.planting import Fault

SHARED, PLAIN, MODAL = "common.sampling", "baseline.sample", "aristotle.sample"

FAULTS = (
    Fault("the token that reaches the share is dropped", "compared the weight up to the token, itself included", SHARED,
          "sample: modal, nothing impossible",
          outside_training="generation only",
          torch=("before = ordered.cumsum(dim=-1) - ordered", "before = ordered.cumsum(dim=-1)"),
          mlx=("before = mx.cumsum(ordered, axis=-1) - ordered", "before = mx.cumsum(ordered, axis=-1)")),
    Fault("weights in the order of ids", "forgot to sort the weights with the keys", SHARED, "sample: plain, top-p",
          outside_training="generation only",
          torch=("ordered = weight.gather(-1, order & (1 << ID_BITS) - 1)", "ordered = weight"),
          mlx=("ordered = mx.take_along_axis(weight, order & ((1 << ID_BITS) - 1), axis=-1)", "ordered = weight")),
    Fault("surprise, not its distance from the entropy", "ranked by likelihood, as top-p does", MODAL, "sample: modal",
          torch=("return possible, (s - mean).abs()", "return possible, s + 0 * mean"),
          mlx=("return possible, mx.abs(s - mean)", "return possible, s + 0 * mean")),
    Fault("entropy of the impossible too", "took the mean over all tokens", MODAL, "sample: modal",
          torch=("total = (possible * (s", "total = (n * (s"),
          mlx=("total = (possible * mx.round", "total = (n * mx.round")),
    Fault("no token is impossible", "left impossible tokens among the contingent", MODAL, "sample: modal",
          torch=("possible = n * (s <= self.level)", "possible = n"),
          mlx=("possible = n * (s <= self.level)", "possible = n")),
    Fault("necessary above a half", "read nu as a share of the odds", MODAL, "sample: modal",
          torch=("threshold(self.nu)", "threshold(self.nu / (1 + self.nu))"),
          mlx=("threshold(self.nu)", "threshold(self.nu / (1 + self.nu))")),
    Fault("hotter, not colder", "multiplied by the temperature", PLAIN, "sample: plain, temperature",
          torch=("/ self.temperature", "* self.temperature"), mlx=("/ self.temperature", "* self.temperature")),
    Fault("one too few", "counted the first token as number one", PLAIN, "sample: plain, top-k",
          torch=("(n[..., 0], self.top_k)", "(n[..., 0], self.top_k - 1)"),
          mlx=("(n.shape[:-1], self.top_k,", "(n.shape[:-1], self.top_k - 1,")),
    Fault("decimal logarithm", "took log10 of min-p", PLAIN, "sample: plain, min-p",
          torch=("math.log(", "math.log10("), mlx=("math.log(", "math.log10(")),
)
