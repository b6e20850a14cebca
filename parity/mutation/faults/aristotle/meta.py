"""Faults in A13, prudence: the rule, and what the trainers show it."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

META, RATES, PLAN = "aristotle.meta", "rates", "optimizer: aristotle with meta"

FAULTS = (
    Fault("the wrong way", "raised the rate where the step was too long", META, "meta",
          **both("1 - self.pace", "1 + self.pace")),
    Fault("no cosine", "took the product for the cosine, so that the loss has a unit", META, "meta",
          torch=("torch.where(size > 0, size, 1)", "1"), mlx=("mx.where(size > 0, size, 1)", "1")),
    Fault("cosine by the squares", "divided by the squares of the lengths", META, "meta",
          torch=("dd.sqrt() * gg.sqrt()", "dd * gg"), mlx=("mx.sqrt(dd) * mx.sqrt(gg)", "dd * gg")),
    Fault("pace without the schedule", "deliberated as fast in the warm-up", META, "meta: a step",
          **both("self.pace * share * cosine", "self.pace * cosine")),
    Fault("no upper bound", "let the rate grow without end", META, "meta: at the widest",
          torch=(".clamp(1 / self.widest, self.widest)", ".clamp(1 / self.widest)"),
          mlx=(", 1 / self.widest, self.widest)", ", 1 / self.widest, None)")),
    Fault("no lower bound", "let the rate fall to nothing", META, "meta: at the narrowest",
          torch=(".clamp(1 / self.widest, self.widest)", ".clamp(max=self.widest)"),
          mlx=(", 1 / self.widest, self.widest)", ", None, self.widest)")),
    Fault("the last step alone", "moved the origin to the parameters at once", RATES, PLAN,
          **both("(1 - self.rule.habit) * d", "d")),
    Fault("origin never moved", "measured from where the training began", RATES, PLAN,
          **both("(1 - self.rule.habit) * d", "0 * d")),
    Fault("rate of the last step", "let the rate act one step late", RATES, PLAN,
          **both("* new[0]", '* state["rate"]')),
    Fault("share of the schedule forgotten", "passed the learning rate itself", RATES, PLAN,
          **both("lr / self.peak_lr", "lr")),
    Fault("the gradient with itself", "took |g| for the cosine's product", RATES, PLAN,
          torch=("g @ d,", "g @ g,"), mlx=("(g * d).sum(),", "(g * g).sum(),")),
    Fault("the schedule's rate alone", "followed the rates and used none", "trainer", PLAN,
          torch=('rates.get(group["name"], lr)', "lr")),
    Fault("rates not passed on", "followed the rates and used none", "optimizers", PLAN,
          mlx=("rates.get(group, lr)", "lr")),
)  # fmt: skip
