"""A model that continues ids: both backends write the same, the cache changes nothing, characters stay complete."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import corpus, personas
from lyceum.generation.generate import decoded
from lyceum.generation.writer import Writer
from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection
from lyceum.personas.spec.system import changes
from lyceum.rng import stream
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan

BACKENDS = ("torch", "mlx")
PLANS = ("baseline", "aristotle")


@pytest.fixture(scope="module", params=PLANS)
def trained(request) -> dict[str, object]:
    """A tiny plan after 30 iterations in one backend, in both."""
    plan = tiny_plan(request.param)
    both = {backend: trainers.make(backend, plan, "float32") for backend in BACKENDS}
    trainers.run(both["torch"], plan, tiny_corpus(), range(30))
    both["mlx"].write(both["torch"].read())
    return both


@pytest.mark.parametrize(
    "sampler", [Modality(), Plain(0.8), Plain(1, 20, 0.9, 0.02), GoldenSection(Plain(1, 20, 0.9, 0.02))], ids=str
)
def test_the_same_seed_writes_the_same_in_both_backends(trained, sampler):
    written, near = {}, set()
    for backend, trainer in trained.items():
        writer = Writer(trainer, 16, sampler, seed=1)
        written[backend] = list(writer.continued(np.array([3, 14, 15]), 40))
        near.add(writer.near)
        assert "40 tokens; allowed mass " in writer.summary()
    assert written["torch"] == written["mlx"] and len(near) == 1
    # The memory gives many of so few ids nearly the same probability, so that most choices are near another.
    assert max(near) <= 2 or "memory" in trained["torch"].plan.modules
    other = list(Writer(trained["torch"], 16, sampler, seed=6).continued(np.array([3, 14, 15]), 40))
    assert other != written["torch"]


@pytest.mark.parametrize("sampler", [GoldenSection(), GoldenSection(Modality()), Modality(), Plain(0.8)], ids=str)
def test_continuations_side_by_side_are_those_of_both_backends_and_of_one_alone(trained, sampler):
    """Past the end of the block, so through the cache and without it."""
    if "memory" in trained["torch"].plan.modules:
        pytest.skip("so many ids of the tiny memory are nearly alike that some choice of so many hangs on rounding")
    ids, written = np.array([3, 14, 15]), {}
    for backend, trainer in trained.items():
        writer = Writer(trainer, 16, sampler, seed=5)
        written[backend] = np.array(list(writer.side_by_side(ids, 20, range(9)))).T
        assert writer.summary().startswith("9 continuations, 9 of them distinct; 180 tokens; allowed mass ")
    np.testing.assert_array_equal(written["torch"], written["mlx"])
    alone = np.array(list(Writer(trained["torch"], 16, sampler, 5).side_by_side(ids, 20, [4]))).T
    np.testing.assert_array_equal(alone[0], written["torch"][4])
    assert list(Writer(trained["torch"], 16, sampler, 5).continued(ids, 20)) == list(written["torch"][0])


def test_golden_continuations_of_a_trained_model_are_more_often_distinct(trained):
    """Sixteen of one token, colder than it is: against independent draws of the same law, over 30 seeds."""
    means = []
    for shared in (8, 0):
        counts = []
        for seed in range(30):
            writer = Writer(trained["torch"], 16, GoldenSection(Plain(0.6), shared=shared), seed)
            list(writer.side_by_side(np.array([3, 14, 15]), 1, range(16)))
            counts.append(len(set(writer.texts)))
        means.append(np.mean(counts))
    assert means[0] > means[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_log_probs_are_those_of_the_last_position(trained, backend):
    """Proper over the ids, and the entry of a target is minus its loss."""
    ids = np.array([[3, 14, 15, 9, 2], [6, 5, 3, 5, 8]], np.int32)
    log_probs = trained[backend].log_probs(ids, np.array([4, 4], np.int32))
    assert log_probs.shape == (2, 97) and log_probs.dtype == np.float32
    np.testing.assert_allclose(np.exp(log_probs.astype(float)).sum(-1), 1, atol=1e-5)
    losses = trained[backend].losses(ids, np.roll(ids, -1, axis=1))
    np.testing.assert_allclose(-log_probs[[0, 1], ids[:, 0]], losses[:, -1], atol=1e-5)


CHANGES = changes(personas.PERSONAS["aristotle"])
COMPOSITIONS = {"baseline": None, "aristotle": None} | {name: CHANGES[name] for name in ("ssm", "rope", "attention")}


class Recomputing:
    """A trainer that reads all of the window for every token: what the cache must agree with."""

    def __init__(self, trainer):
        self.trainer, self.draw, self.log_probs = trainer, trainer.draw, trainer.log_probs

    def start(self, batch: int):
        return ()

    def go_on(self, cache, ids: np.ndarray, new: int):
        return cache, self.log_probs(ids, np.full(len(ids), ids.shape[1] - 1))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_cache_changes_nothing(name, backend):
    """Beyond rounding in the log probabilities, whatever the pieces; in the text nothing at all."""
    plan = tiny_plan("baseline" if name == "baseline" else "aristotle", 200, COMPOSITIONS[name])
    trainer = trainers.make(backend, plan, "float32")
    moved = {n: x + 0.2 * stream(1, n).normal(size=x.shape).astype(np.float32) for n, x in plan.initial(1).items()}
    trainer.write(trainer.read() | {f"model.{n}": x.astype(np.float32) for n, x in moved.items()})
    ids, cache, known = stream(2, "cache").integers(0, 97, (2, 16)).astype(np.int32), trainer.start(2), 0
    for end in (1, 2, 7, 8, 16):
        cache, log_probs = trainer.go_on(cache, ids[:, :end], end - known)
        np.testing.assert_allclose(log_probs, trainer.log_probs(ids[:, :end], np.full(2, end - 1)), atol=2e-5)
        known = end
    for text in (ids[0, :1], ids[0, :5], np.tile(ids[0], 2)):
        with_cache, without = (
            list(Writer(t, 16, Plain(), 4).continued(text, 24)) for t in (trainer, Recomputing(trainer))
        )
        assert with_cache == without


def test_each_id_of_the_first_block_is_read_once(trained, monkeypatch):
    """And all of the window as soon as it slides."""
    trainer, read = trained["torch"], []
    go_on, log_probs = trainer.go_on, trainer.log_probs
    monkeypatch.setattr(trainer, "go_on", lambda cache, ids, new: (read.append(new), go_on(cache, ids, new))[1])
    monkeypatch.setattr(trainer, "log_probs", lambda ids, at: (read.append(ids.shape[1]), log_probs(ids, at))[1])
    list(Writer(trainer, 16, Plain(), 1).continued(np.arange(13), 6))
    assert read == [13, 1, 1, 1, 16, 16]


def test_only_the_last_block_is_read(trained):
    ids = np.arange(40) % 97
    long, short = (list(Writer(trained["torch"], 16, Plain(), 1).continued(x, 5)) for x in (ids, ids[-16:]))
    assert long == short


def test_nothing_asked_nothing_written(trained):
    writer = Writer(trained["torch"], 16, Plain(), 1)
    assert list(writer.continued(np.array([1]), 0)) == [] and writer.summary() == "0 tokens"


def test_characters_stay_complete():
    """A character cut over tokens comes when it is complete; what never is, is marked as such."""
    vocabulary = tuple(bytes([i]) for i in range(256))
    assert "".join(decoded(iter("a€ß".encode()), vocabulary)) == "a€ß"
    pieces = list(decoded(iter(b"\xe2\x82\xacx\xff\xe2\x82"), vocabulary))
    assert pieces == ["", "", "€", "x", "\ufffd", "", "", "\ufffd"]


def test_the_vocabulary_covers_every_byte():
    """Why no text is refused for its characters."""
    assert {bytes([i]) for i in range(256)} <= set(corpus.vocabulary())
