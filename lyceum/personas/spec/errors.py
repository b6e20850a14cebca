"""The exception for a mistake in naming or composing a persona."""


class PersonaError(ValueError):
    """A persona or system that does not exist, or cannot be built as asked."""
