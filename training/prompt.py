"""What --sample asks for, checked before anything is loaded.

    python train_mps.py --sample "ROMEO:" --run RUN_DIR
    python train_mps.py --sample "ROMEO:" --run RUN_DIR --sampler plain --temperature 0.8 --top-k 50 --tokens 400

Text is UTF-8, and GPT-2's encoding has a token for every byte, so there is no text that cannot be continued. What a
shell hands over as bytes that are no UTF-8 is no text, and is refused: it could only be continued as another.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from training.contract import UsageError

PLAIN, MODAL = ("temperature", "top_k", "top_p", "min_p"), ("alpha", "nu", "tau")
OWN = ("run", "tokens", "sampler", *PLAIN, *MODAL)
SHARED = ("sample", "backend", "device", "seed")
MOST = 1_000_000


@dataclass(frozen=True)
class Prompt:
    """text: to be continued. run: a run's folder. tokens: how many to add. sampler: the specification.

    backend, device: None takes those of the run, and the best there is.
    """

    text: str
    run: str
    tokens: int
    sampler: object
    seed: int
    backend: str | None
    device: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of --sample; none has a default, so that what was given can be told from what was not."""
    group = parser.add_argument_group("writing text", "continue a prompt by a trained run")
    group.add_argument("--sample", metavar="TEXT", help="the prompt; needs --run")
    group.add_argument("--run", metavar="RUN_DIR", help="the folder of the run whose checkpoint writes")
    group.add_argument("--tokens", type=int, metavar="N", help="how many tokens to write (default: 200)")
    group.add_argument("--sampler", choices=("modal", "plain"), help="how the next token is chosen (default: modal)")
    group.add_argument("--alpha", type=float, help="modal: impossible is p < alpha max p (default: 0.02)")
    group.add_argument("--nu", type=float, help="modal: necessary is p >= nu, above 1/2 (default: 0.9)")
    group.add_argument("--tau", type=float, help="modal: the share of the possible that is typical (default: 0.95)")
    group.add_argument("--temperature", type=float, metavar="T", help="plain: divides the logits (default: 1)")
    group.add_argument("--top-k", type=int, metavar="K", help="plain: the K likeliest (default: all)")
    group.add_argument("--top-p", type=float, metavar="P", help="plain: the likeliest that make up P (default: 1)")
    group.add_argument("--min-p", type=float, metavar="P", help="plain: those of at least P max p (default: 0)")


def asked(given: dict[str, object]) -> bool:
    """Whether the command line asks for text. Raises UsageError for a flag of --sample without it."""
    if "sample" in given:
        return True
    for name in OWN:
        if name in given:
            raise UsageError(f"{flag(name)} belongs to --sample: add --sample TEXT, or leave it out.")
    return False


def read(given: dict[str, object]) -> Prompt:
    """The prompt that the flags ask for. Raises UsageError, one sentence."""
    for name in given:
        if name not in (*SHARED, *OWN):
            raise UsageError(f"{flag(name)} belongs to training: leave it out with --sample.")
    if "run" not in given:
        raise UsageError("--sample needs a trained run: add --run RUN_DIR, the folder of one.")
    text = str(given["sample"])
    if not text:
        raise UsageError("the prompt is empty: give --sample some text to continue.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is not UTF-8 from character {error.start} on: give it as UTF-8 text.") from error
    tokens = given.get("tokens", 200)
    if not 0 <= tokens <= MOST:
        raise UsageError(f"--tokens must be from 0 to {MOST:,}, got {tokens}.")
    seed = given.get("seed", 1337)
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed must be an integer from 0 to 2^63 - 1, got {seed}.")
    return Prompt(text, str(given["run"]), tokens, _sampler(given), seed, given.get("backend"), given.get("device"))


def _sampler(given: dict[str, object]) -> object:
    from personas.aristotle.sample import Modality
    from personas.baseline.sample import Plain
    from personas.sampling import SamplerError

    kind = given.get("sampler", "modal")
    own, other = (MODAL, PLAIN) if kind == "modal" else (PLAIN, MODAL)
    for name in other:
        if name in given:
            raise UsageError(f"{flag(name)} belongs to --sampler {'plain' if kind == 'modal' else 'modal'}: add that.")
    try:
        return (Modality if kind == "modal" else Plain)(**{name: given[name] for name in own if name in given})
    except SamplerError as error:
        raise UsageError(str(error)) from error


def flag(name: str) -> str:
    """The spelling of an argument on the command line."""
    return "--" + name.replace("_", "-")
