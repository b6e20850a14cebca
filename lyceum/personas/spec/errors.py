"""What a mistake in naming or composing a persona is answered with."""


class PersonaError(ValueError):
    """A persona or system that does not exist, or cannot be built as asked."""
