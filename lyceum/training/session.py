"""One session: what one call of train() does, from a checked request to its two figures.

    arguments -> folder, backend, corpus, plan -> trainer (from its initial values or a checkpoint) -> loop -> result

Whatever can go wrong by the user's doing goes wrong before the run folder is created, with one sentence.
"""

from __future__ import annotations

import signal

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError, UserError
from lyceum.personas.spec.names import split
from lyceum.runs import checkpoint, machine
from lyceum.runs.folder import RunFolder
from lyceum.training import backends, loop
from lyceum.training.console import Console
from lyceum.training.job import Job
from lyceum.training.loggers import open_logger
from lyceum.training.progress import Progress
from lyceum.training.request import Request
from lyceum.training.result import comparability, finish
from lyceum.training.signals import Interrupted, StopAtOnce


def run(fixed: Fixed, request: Request, entered: float, quiet: bool = False) -> tuple[float, float]:
    """(best_vloss in nats per token, elapsed_min) of the requested run. entered: time.perf_counter() at the start.

    Raises UserError with one sentence, or Interrupted after a signal.
    """
    request.check(fixed)
    steps, folder, console = request.last_step(fixed), request.folder(), Console(quiet)
    saved = checkpoint.read(folder.checkpoint) if request.resume is not None else None
    job = build(fixed, request, folder, saved)
    progress = Progress(entered, request.recorded())
    if saved is not None:
        progress = Progress.restored(saved[0], entered, request.recorded())
        _refuse_finished(folder, progress, steps)
    config = _begin(job, request, folder, progress)
    logger = open_logger(request.log, folder.path, config, progress.step)
    for line in (backends.why(job.trainer.device, request.device), *job.trainer.notes):
        console.line(line)
    console.line(_opening(job, folder, progress, steps))
    try:
        loop.run(job, folder, progress, steps, console, logger)
        result = _finished(job, request, folder, progress, console)
        logger.result(result)
    finally:
        logger.close()
    console.result(result)
    return result["best_vloss"], result["elapsed_min"]


def _finished(job: Job, request: Request, folder: RunFolder, progress: Progress, console: Console) -> dict:
    with StopAtOnce() as stop:
        try:
            return finish(job, request, folder, progress, console)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(loop.farewell(folder, progress), stop.signal or signal.SIGINT) from interrupt


def build(fixed: Fixed, request: Request, folder: RunFolder, saved) -> Job:
    """What is trained: from its initial values, or from `saved`, the (header, arrays) of the checkpoint in `folder`.

    Raises UserError for what cannot be had, and for a checkpoint of another run.
    """
    systems = _checked_systems(fixed, request)
    header, arrays = saved or ({}, {})
    if saved:
        # First what decides which tables there are: no model can be built from those of another composition.
        composition = {"persona": header.get("persona"), "systems": header.get("model", {}).get("systems")}
        checkpoint.match(folder.checkpoint, composition, {"persona": request.persona, "systems": list(systems)})
    trainer_class = backends.load(request.backend)
    tables, state = split(arrays, "tables")
    try:
        text = corpus.load(request.data_dir)
        plan = personas.plan(
            request.persona, fixed, text.train, tables if saved else None, request.systems, request.recipe
        )
    except (corpus.CorpusError, personas.PersonaError) as error:
        raise UsageError(str(error)) from error
    if saved:
        checkpoint.match(folder.checkpoint, header, checkpoint.identity(fixed, plan, request.seed, text))
    trainer = backends.start(request.backend, trainer_class, plan, request.seed, request.device)
    if saved:
        trainer.write(state)
    return Job(trainer, plan, text, fixed, request.seed)


def _checked_systems(fixed: Fixed, request: Request) -> tuple[str, ...]:
    # Checked before anything is loaded, so that a mistyped name is answered at once.
    try:
        personas.find(request.persona).recipe(fixed.max_iters).changed(request.recipe or {})
        return personas.check(request.persona, request.systems)
    except personas.PersonaError as error:
        raise UsageError(str(error)) from error


def _refuse_finished(folder: RunFolder, progress: Progress, steps: int) -> None:
    if progress.step > steps:
        raise UsageError(f"the run in {folder.path} has done {progress.step} iterations already, beyond {steps}.")
    if progress.step == steps and folder.result.exists():
        raise UsageError(f"the run in {folder.path} is finished after {steps} iterations: see {folder.result}.")


def _begin(job: Job, request: Request, folder: RunFolder, progress: Progress) -> dict[str, object]:
    """Record what is about to run, as config.json, and return that; bring a resumed folder back to its checkpoint."""
    progress.sessions.append(
        {
            "first_step": progress.step,
            "backend": request.backend,
            "device": job.trainer.device,
            "notes": list(job.trainer.notes),
            "versions": machine.versions(request.backend),
            **machine.describe(),
        }
    )
    config = checkpoint.identity(job.fixed, job.plan, job.seed, job.corpus)
    config |= {"recipe": request.recipe, "data_source": job.corpus.source, "command": request.command()}
    config |= {"sessions": progress.sessions}
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.result.unlink(missing_ok=True)
        config |= comparability(job, progress, request.last_step(job.fixed))
        folder.write_json("config.json", config)
        folder.write_metrics(progress.history)
    except OSError as error:
        raise UserError(
            f"cannot write into {folder.path} ({error.strerror}): free some space or choose another folder."
        ) from error
    return config


def _opening(job: Job, folder: RunFolder, progress: Progress, steps: int) -> str:
    text = f"{job.plan.title}, seed {job.seed}, iterations {progress.step:,} to {steps:,}, into {folder.path}"
    reason = comparability(job, progress, steps)["not_comparable_because"]
    return text if reason is None else f"{text}\nIts figures will not be comparable with others: {reason}."
