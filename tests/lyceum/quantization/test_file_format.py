"""A quantized checkpoint comes back the same from either backend, in 4.5 bits, or is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.numpy

from lyceum.contract import UsageError
from lyceum.quantization import codes, file_format
from lyceum.rng import stream
from lyceum.runs import checkpoint
from lyceum.runs.checkpoint import CheckpointError

HEADER = {"format": checkpoint.FORMAT, "persona": "aristotle", "step": 7}
TABLES = {"leaf": np.arange(5, dtype=np.int32)}


def state():
    g = stream(0, "test-quantized")
    shapes = {"head": (4096, 32), "embed": (4096, 32), "up": (60, 33), "zero": (3, 5), "norm": (32,), "rate": ()}
    return {
        f"model.{name}": g.normal(0, 0.03, shape).astype(np.float32) * (name != "zero")
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module", params=["aristotle", "euclid"])
def persona(request):
    return request.param


@pytest.fixture(scope="module")
def made(persona):
    return codes.quantize(state(), persona, 1, codes.computing("torch", "cpu"))


def test_the_backends_write_the_same_and_read_the_same(made, persona, tmp_path):
    record, arrays = codes.quantize(state(), persona, 1, codes.computing("mlx", "cpu"))
    assert record == made[0] and arrays.keys() == made[1].keys()
    assert record["quantizer"] == persona
    file_format.write(tmp_path / "q", HEADER, record, arrays, TABLES)
    results = [file_format.parameters(tmp_path / "q", codes.computing(name, "cpu")) for name in ("torch", "mlx")]
    for header, parameters, tables in results:
        assert header["step"] == 7 and np.array_equal(tables["leaf"], TABLES["leaf"])
        assert parameters.keys() == state().keys()
        for name, x in parameters.items():
            assert x.dtype == np.float32 and np.array_equal(x, results[0][1][name])


def test_the_weights_are_near_and_rank_1_is_exact(made):
    original, decoded = state(), codes.dequantize(*made, codes.computing("torch", "cpu"))
    for name, x in original.items():
        assert decoded[name].shape == x.shape
        if x.ndim <= 1:
            assert np.array_equal(decoded[name], x)
        else:
            assert ((decoded[name] - x) ** 2).sum() <= 0.01 * (x**2).sum() + 1e-6


def test_all_of_it_takes_at_most_the_budget(made, persona):
    count = sum(x.size for x in state().values())
    bits = 8 * sum(x.nbytes for name, x in made[1].items())
    assert bits / count <= codes.BUDGET
    # What the budget leaves: of A4's codes, whose blocks take two bits more, nothing, for so few weights.
    assert made[0]["groups"][codes.OTHERS]["bits"] == {"aristotle": 4, "euclid": 8}[persona]
    assert made[0]["groups"]["head"]["bits"] == 4


def test_so_does_a_model_of_few_weights_with_its_header(tmp_path):
    """Of as many weights and tensors as Euclid has: 200,000 in 60, so that a header is a quarter of a bit a weight."""
    shapes = {"head": (2369, 32), "embed": (2369, 32)} | {f"blocks.{i}.mixer.weight": (96, 32) for i in range(15)}
    shapes |= {f"blocks.{i}.mixer.skip": (8,) for i in range(43)}
    weights = {f"model.{n}": stream(0, n).normal(0, 0.03, shape).astype(np.float32) for n, shape in shapes.items()}
    record, arrays = codes.quantize(weights, "euclid", 1, codes.computing("torch", "cpu"))
    file_format.write(tmp_path / "q", HEADER | {"identity": "x" * 1500}, record, arrays, {})
    assert 8 * (tmp_path / "q").stat().st_size / sum(x.size for x in weights.values()) <= codes.BUDGET


def test_a_missing_damaged_or_foreign_file_is_refused_in_one_sentence(made, tmp_path):
    path = tmp_path / "q"
    _refuses(path, "there is no quantized checkpoint")
    record, arrays = made
    file_format.write(path, HEADER, record, arrays, TABLES)
    good = path.read_bytes()
    for content in (good[:-1], good[:100], b"", safetensors.numpy.save({"a": np.ones(3)})):
        path.write_bytes(content)
        _refuses(path, "damaged, or of another program or version")
    flipped = len(good) - 1000
    path.write_bytes(good[:flipped] + bytes([good[flipped] ^ 1]) + good[flipped + 1 :])
    _refuses(path, "another hash")
    checkpoint.write(path, HEADER, arrays)
    _refuses(path, "is not quantized")


def _refuses(path, words):
    with pytest.raises(CheckpointError, match=words) as caught:
        file_format.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_persona_without_a_quantizer_is_a_sentence():
    for name in ("baseline", "plato"):
        with pytest.raises(UsageError, match="has no quantizer"):
            codes.quantizer(name)
