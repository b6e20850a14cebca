"""How a persona keeps a first text while a second is learned, as a record; its system "retain" has one.

A run that is continued on a second text (`lyceum retain`) has the module "retain" in its plan. It changes the gradient
of each training step before the clip, and if it says so the parameters after the optimizer's rules, from arrays that
were made once, on the first text:

    restrain({}, gradients, parameters) -> gradients         by parameter name, in the reference and in either backend
    confine({}, parameters) -> parameters                    likewise; a module may have none

The arrays travel in the checkpoint as tables of the system, "retain.<array>.<parameter>"; so the identity of a
continued run holds the weights of the first run and what was measured of its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.spec.recipe import Recipe

Arrays = dict[str, np.ndarray]
SLOWER = 3


@dataclass(frozen=True)
class Retain:
    """What `lyceum retain` needs to know.

    strength: of the restraint, by default. measure: (scores, tokens) -> arrays "<array>.<parameter>", float32; scores
    are gradients, by parameter, of the log-probability of targets at contexts of the first text, each of so many tokens
    together. from_text: whether the targets are those of the text, and not drawn from the model's law. share: whether a
    strength is a share, of at most 1, and not a weight of each token of the first text against one of the second.
    """

    strength: float
    measure: Callable[[Iterable[Arrays], int], Arrays]
    from_text: bool = False
    share: bool = False


def continued(recipe: Recipe) -> Recipe:
    """The recipe on a second text: a constant rate, a third of the first, and no decay, whatever is restrained.

    A decay towards 0 is what the first text's weights have answered already; here it would only make them forgotten.
    Constant, so that a run of 500 iterations is the beginning of one of 2,000. A model that grew has done so.
    """
    hidden = recipe.hidden
    if hasattr(hidden, "weight_decay"):
        hidden = replace(hidden, weight_decay=0.0)
    rate = recipe.peak_lr / SLOWER
    return replace(recipe, peak_lr=rate, schedule="constant", weight_decay=0.0, hidden=hidden, growth=None)
