"""Text from a checkpoint: both backends say the same, characters stay whole, a mistake is one sentence."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import train_mps
from lyceum import corpus, personas
from lyceum.contract import UsageError
from lyceum.generation import generate, prompt
from lyceum.generation.generate import Writer, decoded
from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection
from lyceum.personas.spec.system import changes
from lyceum.rng import stream
from lyceum.runs import checkpoint
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan

BACKENDS = ("torch", "mlx")
PLANS = ("baseline", "aristotle")


@pytest.fixture(scope="module", params=PLANS)
def trained(request) -> dict[str, object]:
    """A small plan after 30 iterations in one backend, in both."""
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
        writer = Writer(trainer, 16, sampler, seed=5)
        written[backend] = list(writer.continued(np.array([3, 14, 15]), 40))
        near.add(writer.near)
        assert "40 tokens; kept mass " in writer.summary()
    assert written["torch"] == written["mlx"] and len(near) == 1
    # The memory gives many of so few ids nearly the same probability, so that most choices are near another.
    assert max(near) <= 2 or "memory" in trained["torch"].plan.modules
    other = list(Writer(trained["torch"], 16, sampler, seed=6).continued(np.array([3, 14, 15]), 40))
    assert other != written["torch"]


@pytest.mark.parametrize("sampler", [GoldenSection(), GoldenSection(Modality()), Modality(), Plain(0.8)], ids=str)
def test_continuations_abreast_are_those_of_both_backends_and_of_one_alone(trained, sampler):
    """Past the end of the block, so through the cache and without it."""
    if "memory" in trained["torch"].plan.modules:
        pytest.skip("so many ids of the small memory's are nearly alike that some choice of so many hangs on rounding")
    ids, written = np.array([3, 14, 15]), {}
    for backend, trainer in trained.items():
        writer = Writer(trainer, 16, sampler, seed=5)
        written[backend] = np.array(list(writer.abreast(ids, 20, range(9)))).T
        assert writer.summary().startswith("9 continuations, 9 of them distinct; 180 tokens; kept mass ")
    np.testing.assert_array_equal(written["torch"], written["mlx"])
    alone = np.array(list(Writer(trained["torch"], 16, sampler, 5).abreast(ids, 20, [4]))).T
    np.testing.assert_array_equal(alone[0], written["torch"][4])
    assert list(Writer(trained["torch"], 16, sampler, 5).continued(ids, 20)) == list(written["torch"][0])


def test_golden_continuations_of_a_trained_model_are_more_often_distinct(trained):
    """Sixteen of one token, colder than it is: against independent draws of the same law, over 30 seeds."""
    means = []
    for shared in (8, 0):
        counts = []
        for seed in range(30):
            writer = Writer(trained["torch"], 16, GoldenSection(Plain(0.6), shared=shared), seed)
            list(writer.abreast(np.array([3, 14, 15]), 1, range(16)))
            counts.append(len(set(writer.texts)))
        means.append(np.mean(counts))
    assert means[0] > means[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_log_probs_are_those_of_the_last_place(trained, backend):
    """Proper over the ids, and the entry of a target is minus its loss."""
    ids = np.array([[3, 14, 15, 9, 2], [6, 5, 3, 5, 8]], np.int32)
    log_probs = trained[backend].log_probs(ids, np.array([4, 4], np.int32))
    assert log_probs.shape == (2, 97) and log_probs.dtype == np.float32
    np.testing.assert_allclose(np.exp(log_probs.astype(float)).sum(-1), 1, atol=1e-5)
    losses = trained[backend].losses(ids, np.roll(ids, -1, axis=1))
    np.testing.assert_allclose(-log_probs[[0, 1], ids[:, 0]], losses[:, -1], atol=1e-5)


CHANGES = changes(personas.PERSONAS["aristotle"])
KEPT = {"baseline": None, "aristotle": None} | {name: CHANGES[name] for name in ("ssm", "mla", "attention")}


class Recomputing:
    """A trainer that reads the whole window for every token: what the cache must agree with."""

    def __init__(self, trainer):
        self.trainer, self.draw, self.log_probs = trainer, trainer.draw, trainer.log_probs

    def start(self, batch: int):
        return ()

    def go_on(self, cache, ids: np.ndarray, new: int):
        return cache, self.log_probs(ids, np.full(len(ids), ids.shape[1] - 1))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", KEPT)
def test_the_cache_changes_nothing(name, backend):
    """Beyond rounding in the log probabilities, whatever the pieces; in the text nothing at all."""
    plan = tiny_plan("baseline" if name == "baseline" else "aristotle", 200, KEPT[name])
    trainer = trainers.make(backend, plan, "float32")
    moved = {n: x + 0.2 * stream(1, n).normal(size=x.shape).astype(np.float32) for n, x in plan.initial(1).items()}
    trainer.write(trainer.read() | {f"model.{n}": x.astype(np.float32) for n, x in moved.items()})
    ids, cache, known = stream(2, "cache").integers(0, 97, (2, 16)).astype(np.int32), trainer.start(2), 0
    for end in (1, 2, 7, 8, 16):
        cache, found = trainer.go_on(cache, ids[:, :end], end - known)
        np.testing.assert_allclose(found, trainer.log_probs(ids[:, :end], np.full(2, end - 1)), atol=2e-5)
        known = end
    for text in (ids[0, :1], ids[0, :5], np.tile(ids[0], 2)):
        with_cache, without = (
            list(Writer(t, 16, Plain(), 4).continued(text, 24)) for t in (trainer, Recomputing(trainer))
        )
        assert with_cache == without


def test_each_id_of_the_first_block_is_read_once(trained, monkeypatch):
    """And the window is read whole as soon as it slides."""
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


def test_characters_stay_whole():
    """A character cut over tokens comes when it is whole; what never becomes whole is marked as such."""
    vocabulary = tuple(bytes([i]) for i in range(256))
    assert "".join(decoded(iter("a€ß".encode()), vocabulary)) == "a€ß"
    pieces = list(decoded(iter(b"\xe2\x82\xacx\xff\xe2\x82"), vocabulary))
    assert pieces == ["", "", "€", "x", "\ufffd", "", "", "\ufffd"]


# --- the command line


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> str:
    """One iteration of the baseline at the contract's sizes."""
    folder = tmp_path_factory.mktemp("run")
    text = folder / "text"
    text.mkdir()
    for name in ("train.bin", "val.bin"):
        (text / name).write_bytes(np.arange(200, dtype="<u2").tobytes())
    out = str(folder / "run")
    train_mps.train("torch", "baseline", data_dir=str(text), out=out, device="cpu", steps=1, quiet=True)
    return out


@pytest.mark.parametrize("text", ["ROMEO:", "Ünïcödé 漢字 🙂", " ", "a" * 1000])
def test_any_text_is_continued(run, capsys, text):
    assert train_mps.main(["--sample", text, "--run", run, "--tokens", "3", "--device", "cpu"]) == 0
    out, errors = capsys.readouterr()
    assert out.startswith(text) and out.endswith("\n") and len(out) > len(text) + 1
    assert errors.startswith("3 tokens; kept mass") and len(errors.splitlines()) == 1


def test_both_backends_write_the_same(run, capsys):
    written = set()
    for backend in BACKENDS:
        flags = ["--sampler", "plain", "--top-k", "40", "--tokens", "12", "--seed", "3", "--device", "cpu"]
        assert train_mps.main(["--sample", "Now", "--run", run, "--backend", backend, *flags]) == 0
        written.add(capsys.readouterr().out)
    assert len(written) == 1


def test_several_continuations(run, capsys):
    """More than are written at once, each under its number; the first is the one that is written alone."""
    flags = ["--run", run, "--tokens", "2", "--device", "cpu", "--sampler", "golden", "--top-k", "9"]
    assert train_mps.main(["--sample", "x", "--continuations", "18", *flags]) == 0
    out, errors = capsys.readouterr()
    assert [f"=== {i + 1} of 18 ===\nx" in out for i in range(18)] == 18 * [True]
    assert errors.startswith("18 continuations, ") and " of them distinct; 36 tokens; kept mass " in errors
    assert train_mps.main(["--sample", "x", *flags]) == 0
    assert out.startswith("=== 1 of 18 ===\n" + capsys.readouterr().out)


def test_a_bare_number_counts_and_a_number_can_be_a_prompt(run, capsys):
    flags = ["--run", run, "--tokens", "1", "--device", "cpu"]
    for arguments, beginnings in (
        (["--sample", "2"], ["=== 1 of 2 ===\n\n", "\n=== 2 of 2 ===\n\n"]),
        (["--sample", "2", "--continuations", "1"], ["2"]),
        (["--sample", "2", "--continuations", "3"], [f"=== {i} of 3 ===\n2" for i in (1, 2, 3)]),
        (["--sample", " 2"], [" 2"]),
    ):
        assert train_mps.main([*arguments, *flags]) == 0
        out = capsys.readouterr().out
        assert out.startswith(beginnings[0]) and all(words in out for words in beginnings)


@pytest.mark.parametrize(
    ("flags", "own", "sampler"),
    [
        ([], "modal", Modality()),
        ([], "plain", Plain()),
        ([], "golden", GoldenSection()),
        (["--temperature", "2"], "modal", Plain(2)),
        (["--temperature", "2"], "golden", GoldenSection(Plain(2))),
        (["--tau", "0.5"], "golden", GoldenSection(Modality(tau=0.5))),
        (["--sampler", "golden", "--alpha", "0.1"], "modal", GoldenSection(Modality(0.1))),
        (["--sampler", "modal"], "golden", Modality()),
        (["--sampler", "plain", "--min-p", "0.1"], "golden", Plain(min_p=0.1)),
    ],
)
def test_which_sampler_the_flags_and_the_persona_mean(flags, own, sampler):
    given = train_mps.arguments(["--sample", "x", "--run", "r", *flags])
    assert prompt.read(given).sampler(own) == sampler


def test_how_each_persona_speaks():
    assert {name: persona.sampler for name, persona in personas.PERSONAS.items()} == {
        "baseline": "plain", "aristotle": "modal", "euclid": "golden"}  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--sample", ""], 2, "the prompt is empty"),
        (["--sample", "a\udcff"], 2, "not UTF-8 from character 1 on"),
        (["--sample"], 2, "--sample"),
        (["--tokens", "-1"], 2, "--tokens must be from 0 to 1,000,000, got -1"),
        (["--tokens", "many"], 2, "--tokens"),
        (["--seed", "-1"], 2, "seed"),
        (["--sampler", "greedy"], 2, "greedy"),
        (["--alpha", "2"], 2, "alpha must be from 0 to 1, got 2.0"),
        (["--nu", "0.5"], 2, "nu must be above 1/2"),
        (["--tau", "nan"], 2, "tau"),
        (["--sampler", "plain", "--temperature", "0"], 2, "temperature must be a number above 0"),
        (["--sampler", "plain", "--top-p", "1.5"], 2, "top-p"),
        (["--sampler", "plain", "--top-k", "0"], 2, "top-k"),
        (["--sampler", "modal", "--temperature", "1"], 2, "--temperature belongs to --sampler plain or golden"),
        (["--temperature", "1", "--alpha", "0"], 2, "--temperature and --alpha are of two samplers"),
        (["--continuations", "0"], 2, "the number of continuations must be from 1 to 10,000, got 0"),
        (["--continuations", "-3"], 2, "got -3"),
        (["--continuations", "1e9"], 2, "--continuations"),
        (["--sample", "0"], 2, "the number of continuations must be from 1 to 10,000, got 0"),
        (["--sample", 5000 * "9"], 2, "the number of continuations"),
        (["--sampler", "plain", "--nu", "0.9"], 2, "--nu belongs to --sampler modal"),
        (["--steps", "5"], 2, "--steps belongs to training"),
        (["--persona", "baseline"], 2, "--persona belongs to training"),
        (["--batch-size", "4"], 2, "contract"),
        (["--device", "metal"], 2, "torch has no device 'metal'"),
        (["--device", "cuda"], 2, "cuda"),
        (["--run", "no/such/run"], 1, "no/such/run holds no checkpoint"),
    ],
)
def test_a_mistake_gets_one_sentence(run, capsys, flags, status, words):
    assert train_mps.main(["--sample", "x", "--run", run, *flags]) == status
    assert words in _one_sentence(capsys)


def test_flags_that_need_each_other(run, capsys):
    for arguments, words in ((["--sample", "x"], "add --run"), (["--run", run], "--run belongs to --sample"),
                             (["--top-k", "3"], "--top-k belongs to --sample")):  # fmt: skip
        assert train_mps.main(arguments) == 2
        assert words in _one_sentence(capsys)


def test_checkpoints_that_cannot_write(run, capsys, tmp_path):
    """Damaged, foreign, of another contract, persona or version, or with parameters missing, reshaped or NaN."""
    path = tmp_path / checkpoint.FILE_NAME
    header, arrays = checkpoint.read(generate.Path(run) / checkpoint.FILE_NAME)
    whole = (generate.Path(run) / checkpoint.FILE_NAME).read_bytes()
    weight = "model.norm.weight"
    without = {name: x for name, x in arrays.items() if name != weight}

    def saved(header, arrays):
        return safetensors.numpy.save(arrays, metadata={checkpoint.ENTRY: json.dumps(header)})

    for content, words in (
        (whole[: len(whole) // 2], "is damaged"),
        (safetensors.numpy.save({"a": np.ones(3)}), "was not written by this program"),
        (b"", "is damaged"),
        (saved(header | {"format": 99}, arrays), "format 99"),
        (saved({"format": checkpoint.FORMAT}, arrays), "is not of a model of this program"),
        (saved(header | {"persona": "plato"}, arrays), "plato"),
        (saved(header | {"persona": "aristotle"}, arrays), "its model.persona is baseline, not aristotle"),
        (
            saved(header | {"model": header["model"] | {"systems": ["plato"]}}, arrays),
            "its model.systems is ['plato'], not []",
        ),
        (
            saved(header | {"model": header["model"] | {"fixed": {"n_embd": 64}}}, arrays),
            "its model.fixed.n_embd is 64",
        ),
        (saved(header, without), "norm.weight"),
        (saved(header, without | {weight: np.ones(7, np.float32)}), "norm.weight has shape"),
        (saved(header, without | {weight: np.full(32, np.nan, np.float32)}), "answers NaN"),
    ):
        path.write_bytes(content)
        assert train_mps.main(["--sample", "x", "--run", str(tmp_path), "--device", "cpu"]) == 1
        out, errors = capsys.readouterr()
        assert words in errors and len(errors.splitlines()) == 1 and errors.startswith("train_mps.py: "), words


def test_bytes_that_are_no_text_come_as_one_sentence_from_the_shell(run):
    command = [sys.executable, train_mps.__file__, "--sample", b"\xff\xfe", "--run", run]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "not UTF-8" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_reader_that_leaves_is_no_error(run):
    """As in `... | head -c 1`."""
    command = [sys.executable, train_mps.__file__, "--sample", "x", "--run", run, "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.read(1)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait() == 0 and "Traceback" not in errors and "Broken" not in errors


def test_the_vocabulary_covers_every_byte():
    """Why no text is refused for its characters."""
    assert {bytes([i]) for i in range(256)} <= set(corpus.vocabulary())


def test_reading_flags_needs_no_framework():
    with pytest.raises(UsageError, match="add --run"):
        prompt.read({"sample": "x"})


def _one_sentence(capsys) -> str:
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("train_mps.py: ") and len(errors.splitlines()) == 1
    return errors
