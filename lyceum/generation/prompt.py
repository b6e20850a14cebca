"""What --sample asks for, checked before anything is loaded.

    python train_mps.py --sample "ROMEO:" --run RUN_DIR
    python train_mps.py --sample "ROMEO:" --run RUN_DIR --sampler plain --temperature 0.8 --top-k 50 --tokens 400
    python train_mps.py --sample "ROMEO:" --run RUN_DIR --continuations 8 --sampler golden --top-p 0.9
    python train_mps.py --sample 8 --run RUN_DIR

A prompt that is a bare whole number asks for so many texts, which begin with a new line. With --continuations it is a
prompt like any other: --sample 8 --continuations 1 goes on from "8".

Text is UTF-8, and GPT-2's encoding has a token for every byte, so there is no text that cannot be continued. What a
shell hands over as bytes that are no UTF-8 is no text, and is refused: it could only be continued as another.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from lyceum.contract import UsageError

PLAIN, MODAL = ("temperature", "top_k", "top_p", "min_p"), ("alpha", "nu", "tau")
OWN = ("run", "tokens", "continuations", "sampler", *PLAIN, *MODAL)
SHARED = ("sample", "backend", "device", "seed")
MOST, MANY = 1_000_000, 10_000


@dataclass(frozen=True)
class Prompt:
    """text: to be continued. run: a run's folder. tokens: how many to add. continuations: how many texts to write.

    kind: "modal", "plain", "golden", or None for the persona's own. law: the specification of what may be said, None
    for that of the kind. backend, device: None takes those of the run, and the best there is.
    """

    text: str
    run: str
    tokens: int
    continuations: int
    kind: str | None
    law: object | None
    seed: int
    backend: str | None
    device: str | None

    def sampler(self, own: str) -> object:
        """The specification of the sampler. own: the kind by which the run's persona speaks."""
        from lyceum.personas.aristotle.sample import Modality
        from lyceum.personas.baseline.sample import Plain
        from lyceum.personas.euclid.sample import GoldenSection

        kind = self.kind or own
        law = self.law or (Modality() if kind == "modal" else Plain())
        return GoldenSection(law) if kind == "golden" else law


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of --sample; none has a default, so that what was given can be told from what was not."""
    group = parser.add_argument_group("writing text", "continue a prompt by a trained run")
    group.add_argument("--sample", metavar="TEXT", help="the prompt, or a number of texts; needs --run")
    group.add_argument("--run", metavar="RUN_DIR", help="the folder of the run whose checkpoint writes")
    group.add_argument("--tokens", type=int, metavar="N", help="how many tokens to write (default: 200)")
    group.add_argument("--continuations", type=int, metavar="N", help="how many texts to write (default: 1)")
    group.add_argument(
        "--sampler", choices=("modal", "plain", "golden"), help="how the next token is chosen (default: the persona's)"
    )
    group.add_argument("--alpha", type=float, help="modal: impossible is p < alpha max p (default: 0.02)")
    group.add_argument("--nu", type=float, help="modal: necessary is p >= nu, above 1/2 (default: 0.9)")
    group.add_argument("--tau", type=float, help="modal: the share of the possible that is typical (default: 0.95)")
    group.add_argument("--temperature", type=float, metavar="T", help="plain, golden: divides the logits (default: 1)")
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
    count = str(given.get("continuations", "1"))
    if "continuations" not in given and re.fullmatch("[0-9]+", text):
        count, text = text, "\n"
    if len(count) > 9 or not 1 <= int(count) <= MANY:
        raise UsageError(f"the number of continuations must be from 1 to {MANY:,}, got {count}.")
    tokens = given.get("tokens", 200)
    if not 0 <= tokens <= MOST:
        raise UsageError(f"--tokens must be from 0 to {MOST:,}, got {tokens}.")
    seed = given.get("seed", 1337)
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed must be an integer from 0 to 2^63 - 1, got {seed}.")
    kind, run, law = given.get("sampler"), str(given["run"]), _law(given)
    return Prompt(text, run, tokens, int(count), kind, law, seed, given.get("backend"), given.get("device"))


def _law(given: dict[str, object]) -> object | None:
    from lyceum.personas.aristotle.sample import Modality
    from lyceum.personas.baseline.sample import Plain
    from lyceum.personas.model.sampling import SamplerError

    plain, modal = ([name for name in names if name in given] for names in (PLAIN, MODAL))
    for names, kind, other in ((plain, "plain", "modal"), (modal, "modal", "plain")):
        if names and given.get("sampler") == other:
            raise UsageError(f"{flag(names[0])} belongs to --sampler {kind} or golden: choose one of these.")
    if plain and modal:
        raise UsageError(f"{flag(plain[0])} and {flag(modal[0])} are of two samplers: leave one of them out.")
    try:
        values = {name: given[name] for name in plain + modal}
        return (Plain if plain else Modality)(**values) if values else None
    except SamplerError as error:
        raise UsageError(str(error)) from error


def flag(name: str) -> str:
    """The spelling of an argument on the command line."""
    return "--" + name.replace("_", "-")
