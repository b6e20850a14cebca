"""`python -m corpus`: makes the official files if need be, and lists them: path, bytes, tokens, SHA-256."""

from __future__ import annotations

import sys

from lyceum.corpus import CorpusError, store


def main() -> int:
    """Prints one line per file; returns the exit status, 1 if a file cannot be had."""
    try:
        for name in store.SHA256:
            data = store.read(name)
            n_tokens = f"{len(data) // 2:,}" if name.endswith(".bin") else "-"
            path = store.folder() / name
            where = path if path.is_file() else f"{name} (in memory)"
            print(f"{where}  {len(data):,} bytes  {n_tokens} tokens  sha256 {store.SHA256[name]} ok")
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
