"""E6, projection: the distribution of its frames, and the condition of its latents before and after training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.corpus.batches import val_batch
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from lyceum.personas.euclid.mla.reflections import Mirrors, any_frame
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.tiny import N_VOCAB
from lyceum.rng import stream
from lyceum.training.job import Job
from parity.project.tiny_models import tiny_corpus, tiny_sizes
from torch_ref.trainer import Trainer

STEPS = 500


def test_a_plane_has_fewer_lines_than_its_space():
    with pytest.raises(PersonaError, match="a plane in a space of 16 has fewer lines"):
        Mirrors(16, 16)


def test_any_frame_is_as_likely_as_any_other():
    """The mean of P is r/d: no direction is nearer to the plane than others. The same holds for initial values."""
    g, n = stream(0, "frames"), 4000
    drawn = [any_frame(g, 6, 4) for _ in range(n)]
    made = [spec({"weight": spec.initial(g, 1)["weight"]}, np.eye(6)) for spec in [Mirrors(6, 4)] * n]
    for frames in (drawn, made):
        mean = np.mean([frame @ frame.T for frame in frames], axis=0)
        np.testing.assert_allclose(mean, np.eye(6) * 4 / 6, atol=5 / np.sqrt(n))
        np.testing.assert_allclose(np.mean(frames, axis=0), 0, atol=5 / np.sqrt(n))


def test_the_foot_is_the_nearest_point_of_the_plane():
    g = stream(1, "frames")
    frame, x = any_frame(g, 6, 3), g.normal(size=6)
    others = frame @ g.normal(size=(3, 1000))
    assert (np.linalg.norm(others - x[:, None], axis=0) >= np.linalg.norm(frame @ frame.T @ x - x)).all()


def test_eigenvalues_of_latents_lie_between_those_of_the_inputs():
    """Poincare: lambda_(i + d - r)(S) <= lambda_i(F^T S F) <= lambda_i(S), in falling order."""
    g = stream(2, "frames")
    for _ in range(100):
        frame, root = any_frame(g, 9, 5), g.normal(size=(9, 9))
        full, part = (np.linalg.eigvalsh(s)[::-1] for s in (root @ root.T, frame.T @ root @ root.T @ frame))
        assert (part <= full[:5] * (1 + 1e-12)).all() and (part >= full[4:] * (1 - 1e-9)).all()


def planned() -> personas.Plan:
    """A model of the contract's width, for the tiny corpus."""
    fixed = replace(tiny_sizes(STEPS), batch_size=8, block_size=32, n_embd=32)
    plan = personas.plan("euclid", fixed, None, {}, ("mla",))
    return replace(plan, modules=plan.modules | {"vocabulary": TiedVocabulary(fixed.n_embd, N_VOCAB, 128)})


def freed(trainer: Trainer, start: str) -> Trainer:
    """The model with c = W x for any W; its initial values are the projection's, or normal numbers."""
    for i, block in enumerate(trainer.model.blocks):
        plane, g = block.mixer.plane, stream(i, "free")
        normal = torch.tensor(g.normal(0, 0.02, plane.weight.shape), dtype=torch.float32)
        with torch.no_grad():
            plane.weight.copy_(plane.frame().T if start == "projection" else normal)
        plane.frame = lambda weight=plane.weight: weight.T
    return trainer


def trained(start: str | None) -> tuple[np.ndarray, np.ndarray, float]:
    """(conditions before training, conditions after it, loss). start: None for the projection, else as in `freed`.

    Conditions (layers, 3): of the map, of S, and of the latents' second moments.
    """
    plan, corpus = planned(), tiny_corpus()
    trainer = Trainer(plan, 0, "cpu")
    trainer = freed(trainer, start) if start else trainer
    job = Job(trainer, plan, corpus, plan.fixed, 0)
    batches = [val_batch(corpus, i, 8, 32) for i in range(8)]

    def conditions() -> np.ndarray:
        seen = [[] for _ in trainer.model.blocks]
        hooks = [
            block.mixer.register_forward_pre_hook(lambda _, x, rows=inputs: rows.append(x[0].flatten(0, 1).double()))
            for block, inputs in zip(trainer.model.blocks, seen, strict=True)
        ]
        for ids, targets in batches:
            trainer.losses(ids, targets)
        for hook in hooks:
            hook.remove()
        rows = []
        for block, inputs in zip(trainer.model.blocks, seen, strict=True):
            frame, x = block.mixer.plane.frame().detach().double(), torch.cat(inputs)
            # A layer norm removes the direction 1, so its singular value is not counted.
            spectra = torch.linalg.svdvals(x)[:-1], torch.linalg.svdvals(x @ frame)
            rows.append([float(torch.linalg.cond(frame)), *(float((s[0] / s[-1]) ** 2) for s in spectra)])
        return np.array(rows)

    before = conditions()
    for step in range(STEPS):
        job.update(step)
    return before, conditions(), float(np.mean([trainer.losses(*batch) for batch in batches]))


@pytest.mark.slow
def test_latents_stay_well_conditioned(record_property):
    """Three runs of one seed: the projection, W from the same initial values, W from normal numbers. -m slow -s."""
    arms = {"projection": None, "free, from a projection": "projection", "free, from normal numbers": "normal"}
    results = {}
    for name, start in arms.items():
        before, after, loss = results[name] = trained(start)
        for when, conditions in (("at first", before), (f"after {STEPS} steps", after)):
            pairs = zip(("map", "inputs", "latents"), median(conditions), strict=True)
            text = ", ".join(f"{what} {x:.3g}" for what, x in pairs)
            print(f"{name}, {when}: cond of {text}; loss {loss:.4f}")
            record_property(f"{name}, {when}", text)
    projected, free = results["projection"][1], results["free, from normal numbers"][1]
    assert (projected[:, 0] < 1 + 1e-5).all() and median(free)[0] > 2 and median(free)[2] > 4 * median(projected)[2]


def median(conditions: np.ndarray) -> np.ndarray:
    """Over the layers."""
    return np.median(conditions, axis=0)
