"""`lyceum quantize`: the weights of a run in few bits, and what that costs."""

from __future__ import annotations

from lyceum.cli.options import Backend, DataDir, Device, Run, Save, console


def quantize(
    run: Run, backend: Backend = None, device: Device = None, data_dir: DataDir = None, save: Save = False
) -> None:
    """Write a run's weights in at most 4.5 bits each, and say what that costs in loss.

    The file is quantized.safetensors in the run's folder; docs/quantized_checkpoints.md describes it. The quantizer is
    that of the run's persona: genus and species for Aristotle, the lattice E8 for Euclid. For example:

        $ lyceum quantize runs/a
    """
    import train_mps
    from lyceum.experiments import effects
    from lyceum.quantization import codes
    from lyceum.quantization.measure import quantize_run
    from lyceum.runs.reopen import reopen

    out, opened = console(), reopen(train_mps.FIXED, run, backend, device, data_dir)
    codes.quantizer(opened.job.plan.name)
    if opened.unfinished is not None:
        out.print(f"Note: {opened.unfinished}", soft_wrap=True)
    done = quantize_run(opened)
    cost = done.cost
    for line in (
        f"Wrote {done.path}",
        f"bits per weight  {done.bits_per_weight:.3f} of {done.weights:,} weights, the quantizer's tables and the "
        "header included",
        f"file             {done.file_bytes:,} bytes, of which {done.table_bytes:,} are the plan's tables",
        f"full_vloss       {cost.before:.4f} before, {cost.after:.4f} after: {cost.difference:+.4f} ± {cost.error:.4f}",
    ):
        out.print(line, soft_wrap=True)
    if save:
        figure = f"{done.bits_per_weight:.3f} bits a weight: {cost.difference:+.4f} ± {cost.error:.4f}"
        effects.save_figure(opened.job.plan.name, "quantize", figure, "lyceum quantize RUN")
