"""`lyceum evaluate`: full_vloss of a checkpoint, computed again."""

from __future__ import annotations

from lyceum.cli.options import Backend, DataDir, Device, Run, console


def evaluate(run: Run, backend: Backend = None, device: Device = None, data_dir: DataDir = None) -> None:
    """Compute full_vloss again from a run's checkpoint, in either backend, whichever wrote it.

    In the same backend on the same machine the difference from the run's result is exactly 0. For example:

        $ lyceum evaluate runs/a
        $ lyceum evaluate runs/a --backend mlx
    """
    import train_mps
    from lyceum.runs.reopen import losses_of, reopen
    from lyceum.runs.summary import summarize
    from lyceum.training.evaluation import ratio

    out, opened = console(), reopen(train_mps.FIXED, run, backend, device, data_dir)
    loss, error = ratio(*losses_of(opened.job))
    stored = summarize(run)
    used = f"{opened.request.backend} on {opened.job.trainer.device}"
    out.print(f"full_vloss  {loss:.6f} ± {error:.6f} nats per token, {used}, at iteration {opened.step:,}")
    if stored.full_vloss is None:
        note = opened.unfinished or "this run has no result."
        out.print(f"stored      none: {note}", soft_wrap=True)
        return
    out.print(f"stored      {stored.full_vloss:.6f} ± {stored.full_vloss_se:.6f}, {opened.written_by}")
    difference = loss - stored.full_vloss
    out.print("difference  0, bit for bit" if difference == 0 else f"difference  {difference:+.1e}")
    if difference != 0 and opened.request.backend == opened.written_by:
        out.print("It would be 0 on the machine, the device and with the versions of the run.", soft_wrap=True)
