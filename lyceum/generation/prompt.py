"""What `lyceum sample` asks for, checked before anything is loaded.

A prompt that is a bare number asks for so many texts, which begin with a new line. With --continuations it is a
prompt like any other: `lyceum sample RUN 8 --continuations 1` goes on from "8".

Text is UTF-8, and GPT-2's encoding has a token for every byte, so there is no text that cannot be continued. What a
shell hands over as bytes that are no UTF-8 is no text, and is refused: it could only be continued as another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lyceum.contract import UsageError
from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection
from lyceum.personas.model.sampling import Sampler, SamplerError

SamplerName = Literal["modal", "plain", "golden"]
PLAIN, MODAL = ("temperature", "top_k", "top_p", "min_p"), ("alpha", "nu", "tau")
MOST_TOKENS, MOST_TEXTS = 1_000_000, 10_000


@dataclass(frozen=True)
class Prompt:
    """text: to be continued. run: a run's folder. tokens: how many to add. continuations: how many texts to write.

    sampler_name: None for that of the run's persona. law: which tokens are allowed and how probable, None for the
    default of the sampler. backend, device: None takes those of the run, and the best there is.
    """

    text: str
    run: Path
    tokens: int = 200
    continuations: int = 1
    sampler_name: SamplerName | None = None
    law: Sampler | None = None
    seed: int = 1337
    backend: str | None = None
    device: str | None = None

    def sampler(self, default: SamplerName) -> Sampler:
        """The reference of the sampler. default: the name of the persona's."""
        name = self.sampler_name or default
        law = self.law or (Modality() if name == "modal" else Plain())
        return GoldenSection(law) if name == "golden" else law


def checked(
    text: str,
    run: Path,
    tokens: int = 200,
    continuations: int | None = None,
    sampler: SamplerName | None = None,
    seed: int = 1337,
    backend: str | None = None,
    device: str | None = None,
    **fields: float | None,
) -> Prompt:
    """The prompt that these values ask for. continuations: None takes 1, or the number that the text is.

    fields: those of the sampler, by name (PLAIN, MODAL); None for one that is not given.
    Raises UsageError, one sentence, in the words of the command line.
    """
    if not text:
        raise UsageError("the prompt is empty: give some text to continue.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is not UTF-8 from character {error.start} on: give it as UTF-8 text.") from error
    count = "1" if continuations is None else str(continuations)
    if continuations is None and re.fullmatch("[0-9]+", text):
        count, text = text, "\n"
    if len(count) > 9 or not 1 <= int(count) <= MOST_TEXTS:
        raise UsageError(f"the number of continuations must be from 1 to {MOST_TEXTS:,}, got {count}.")
    if not 0 <= tokens <= MOST_TOKENS:
        raise UsageError(f"--tokens must be from 0 to {MOST_TOKENS:,}, got {tokens}.")
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed must be an integer from 0 to 2^63 - 1, got {seed}.")
    law = _law(sampler, {name: value for name, value in fields.items() if value is not None})
    return Prompt(text, run, tokens, int(count), sampler, law, seed, backend, device)


def flag(name: str) -> str:
    """The spelling of an argument on the command line."""
    return "--" + name.replace("_", "-")


def _law(sampler: SamplerName | None, fields: dict[str, float]) -> Sampler | None:
    plain, modal = ([name for name in names if name in fields] for names in (PLAIN, MODAL))
    for names, name, other in ((plain, "plain", "modal"), (modal, "modal", "plain")):
        if names and sampler == other:
            raise UsageError(f"{flag(names[0])} belongs to --sampler {name} or golden: choose one of these.")
    if plain and modal:
        raise UsageError(f"{flag(plain[0])} and {flag(modal[0])} are of two samplers: leave one of them out.")
    if not fields:
        return None
    try:
        return Plain(**fields) if plain else Modality(**fields)
    except SamplerError as error:
        raise UsageError(str(error)) from error
