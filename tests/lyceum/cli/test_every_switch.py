"""A run with every switch that can be on at once: trained, resumed in the other backend, sampled, quantized, listed."""

from __future__ import annotations

import pytest

import train_mps
from lyceum import personas
from lyceum.cli import main
from lyceum.personas import PersonaError
from lyceum.personas.spec.system import title
from lyceum.runs.summary import summarize
from tests.lyceum.cli.conftest import train


def compatible(persona: str) -> tuple[str, ...]:
    """The default, and each further system, in the persona's order, that those before it allow."""
    names = personas.find(persona).default
    for system in personas.find(persona).systems:
        if not system.command and system.name not in names:
            try:
                names = personas.check(persona, (*names, system.name))
            except PersonaError:
                continue
    return names


def test_most_systems_go_together():
    assert len(compatible("aristotle")) >= 12
    assert all(len(compatible(name)) > len(personas.find(name).default) for name in ("aristotle", "euclid"))


@pytest.mark.slow
@pytest.mark.parametrize("persona", ["aristotle", "euclid"])
def test_a_run_with_every_compatible_switch_on(persona, tmp_path, capsys):
    systems = compatible(persona)
    run = train(tmp_path, persona, systems=systems)
    assert train_mps.main(["--resume", str(run), "--backend", "mlx", "--device", "cpu", "--steps", "4"]) == 0
    result = summarize(run)
    assert (
        result.state == "finished" and result.full_vloss > 0 and result.title == title(personas.find(persona), systems)
    )
    for command in (
        ["sample", str(run), "ROMEO:", "--tokens", "6"],
        ["evaluate", str(run), "--backend", "torch"],
        ["quantize", str(run)],
        ["plot", str(run)],
        ["runs", str(tmp_path)],
    ):
        assert main(command) == 0, capsys.readouterr().err
    for file in ("metrics.jsonl", "val_losses.npy", "loss.png", "checkpoint.safetensors"):
        assert (run / file).stat().st_size > 0
