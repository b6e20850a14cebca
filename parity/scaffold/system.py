"""What a new system is asked to be, and what its templates read."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lyceum import personas
from lyceum.contract import UsageError
from lyceum.experiments.ablation.compositions import DEFAULT

TEMPLATES = Path(__file__).with_name("templates")
CLASS_ENDINGS = {"norm": "Norm", "mlp": "Perceptron", "mixer": "Mixer"}  # the modules that have templates
LONGEST_NAME, LONGEST_TITLE = 20, 34  # so that no line of a template outgrows its width


@dataclass(frozen=True)
class NewSystem:
    """persona: who gets it. name: its switch and its files. module: the module of the model that it takes.

    title: its label in listings; "" takes the name.
    """

    persona: str
    name: str
    module: str = "norm"
    title: str = ""

    def check(self) -> None:
        """Raises UsageError, one sentence, for a system that cannot be made."""
        known = [name for name, persona in personas.PERSONAS.items() if persona.systems]
        if self.persona not in known:
            raise UsageError(f"there is no persona {self.persona!r} that takes systems: choose {' or '.join(known)}.")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or keyword.iskeyword(self.name):
            raise UsageError(f"{self.name!r} cannot name a Python module: take lower-case letters, such as scale.")
        if len(self.name) > LONGEST_NAME:
            raise UsageError(f"the name {self.name!r} is longer than {LONGEST_NAME} characters: shorten it.")
        if self.name in (DEFAULT, *(system.name for system in personas.find(self.persona).systems)):
            raise UsageError(f"{self.persona} has a system {self.name!r} already: choose another name.")
        if self.module not in CLASS_ENDINGS:
            raise UsageError(f"there is no template for the module {self.module!r}: choose {', '.join(CLASS_ENDINGS)}.")
        if len(self.title) > LONGEST_TITLE or not self.title.isprintable() or set('"\\') & set(self.title):
            raise UsageError(
                f"the title {self.title!r} does not fit: take at most {LONGEST_TITLE} characters, none a quote or "
                "a backslash."
            )

    def files(self) -> dict[Path, str]:
        """{path in the repository: text} of its files."""
        module = Path(self.persona, f"{self.name}.py")
        paths = {
            "reference": "lyceum/personas" / module,
            "mlx": "mlx_impl" / module,
            "torch": "torch_ref" / module,
            "faults": "parity/mutation/faults" / module,
            "test": Path("tests/lyceum/personas", self.persona, f"test_{self.name}.py"),
        }
        environment = Environment(  # Python, not HTML: nothing is escaped
            loader=FileSystemLoader(TEMPLATES / self.module),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            autoescape=False,
        )
        values = {
            "persona": self.persona,
            "name": self.name,
            "label": self.title or self.name.replace("_", " "),
            "cls": "".join(part.capitalize() for part in self.name.split("_")) + CLASS_ENDINGS[self.module],
        }
        return {path: environment.get_template(f"{text}.py.j2").render(values) for text, path in paths.items()}
