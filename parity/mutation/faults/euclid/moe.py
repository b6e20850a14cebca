"""Faults in E1, the regular simplex."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "euclid.moe"

FAULTS = (
    Fault("simplex off its centre", "left the vertices on the axes", MODULE, "simplex: typical",
          torch=("side * axes + rest * ones", "side * axes"), mlx=("side * axes + rest * ones", "side * axes")),
    Fault("token for direction", "measured from the token, not from its direction", MODULE, "simplex: typical",
          torch=("unit(x, self.tiny) @ vertices.T", "x @ vertices.T"),
          mlx=("unit(x, self.tiny) @ vertices.T", "x @ vertices.T")),
    Fault("the farthest experts", "sorted the wrong way round", MODULE, "simplex: load",
          torch=("rank.argsort(-1)", "(-rank).argsort(-1)"), mlx=("mx.argsort(rank,", "mx.argsort(-rank,")),
    Fault("ties to the higher index", "counted the later vertices of a tie as earlier ones", MODULE, "simplex: zero",
          outside_training="a vector of zeros",
          torch=("self.experts < self.experts[:, None]", "self.experts > self.experts[:, None]"),
          mlx=("self._experts < self._experts[:, None]", "self._experts > self._experts[:, None]")),
    Fault("tau forgotten", "took the cosines as they are", MODULE, "simplex: typical",
          torch=("(cosines.gather(-1, choice) / self.tau)", "cosines.gather(-1, choice)"),
          mlx=("axis=-1) / self.tau, axis=-1)", "axis=-1), axis=-1)")),
    Fault("weights of all experts", "took the softmax before the choice", MODULE, "simplex: typical",
          torch=("(cosines.gather(-1, choice) / self.tau).softmax(-1)",
                 "(cosines / self.tau).softmax(-1).gather(-1, choice)"),
          mlx=("mx.softmax(mx.take_along_axis(cosines, choice, axis=-1) / self.tau, axis=-1)",
               "mx.take_along_axis(mx.softmax(cosines / self.tau, axis=-1), choice, axis=-1)")),
    Fault("pairs laid out by rank", "read a pair's token as if all first choices came first", MODULE,
          "simplex: typical",
          torch=("pair // self.k, flat", "pair % len(flat), flat"), mlx=("pair // self.k]", "pair % len(flat)]")),
    Fault("distance for power", "chose by distance, without beta", MODULE, "simplex: typical",
          torch=("cosines + self.beta / 2", "cosines"), mlx=("cosines + self.beta / 2", "cosines")),
    Fault("power with the other sign", "added the square on the radius", MODULE, "simplex: load",
          torch=("cosines + self.beta / 2", "cosines - self.beta / 2"),
          mlx=("cosines + self.beta / 2", "cosines - self.beta / 2")),
    Fault("beta beside a cosine", "forgot that a squared distance counts a cosine twice", MODULE, "simplex: load",
          torch=("self.beta / 2", "self.beta"), mlx=("self.beta / 2", "self.beta")),
    Fault("power in the weights", "let beta change the weights, not the choice alone", MODULE, "simplex: typical",
          torch=("(cosines.gather(-1, choice) / self.tau)",
                 "((cosines + self.beta / 2).gather(-1, choice) / self.tau)"),
          mlx=("mx.take_along_axis(cosines, choice", "mx.take_along_axis(cosines + self.beta / 2, choice")),
    Fault("circles the wrong way", "drew tokens to the fuller expert", MODULE, "simplex: rebalanced",
          torch=("self.beta + self.rate *", "self.beta - self.rate *"),
          mlx=("self.beta + self.rate *", "self.beta - self.rate *")),
    Fault("least beta not 0", "forgot to subtract the least", MODULE, "simplex: rebalanced",
          torch=("return beta - beta.amin(-1, keepdim=True)", "return beta"),
          mlx=("return beta - beta.min(-1, keepdims=True)", "return beta")),
    Fault("tokens for choices", "took N / E for an even share of the k N choices", MODULE, "simplex: rebalanced",
          torch=("(load.sum(-1, keepdim=True) - self.n_expert * load)",
                 "(load.sum(-1, keepdim=True) - self.k * self.n_expert * load)"),
          mlx=("(load.sum(-1, keepdims=True) - self.n_expert * load)",
               "(load.sum(-1, keepdims=True) - self.k * self.n_expert * load)")),
    Fault("routing without gradient", "detached the weights, so that no token learns where to go", MODULE,
          "simplex: typical",
          torch=("weight = F.embedding(pair, self.weights(cosines, choice)", "weight = F.embedding(pair, self.weights("
                 "cosines.detach(), choice)"),
          mlx=("weight = self.weights(cosines,", "weight = self.weights(mx.stop_gradient(cosines),")),
)  # fmt: skip
