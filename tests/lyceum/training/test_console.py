"""Without a terminal there are only lines, one an evaluation; quiet is quiet."""

from __future__ import annotations

from lyceum.training import loop
from lyceum.training.console import Console
from tests.support import toy_backend


def test_a_log_file_gets_one_plain_line_per_evaluation(tmp_path, capsys):
    loop.run(*toy_backend.start(tmp_path), 250, Console())
    out, errors = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["0", "100", "200"] and errors == ""
    assert all("validation" in line and "training" in line and "best" in line for line in lines)
    assert "\x1b" not in out and "\r" not in out


def test_a_warning_is_one_line_on_standard_error_however_long(capsys):
    Console().warn("x" * 500)
    assert capsys.readouterr() == ("", f"warning: {'x' * 500}\n")


def test_quiet_prints_nothing(tmp_path, capsys):
    console = Console(quiet=True)
    loop.run(*toy_backend.start(tmp_path), 120, console)
    console.line("a"), console.warn("b")
    assert capsys.readouterr() == ("", "")
