"""A pytest plugin: the fixture `parity_check`, and what it found as records and in the summary.

    # conftest.py
    pytest_plugins = ["parity.plugin"]          # or on the command line: python -m pytest -p parity.plugin

    # test_port.py
    def test_my_block(parity_check):
        parity_check(mlx_block(), torch_block(), inputs=(2, 16, 64))

A test fails with one sentence for each red verdict. `--parity-json FILE` writes the records of all of them, for
`python -m parity report FILE`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parity.results.console import write
from parity.results.environment import environment
from parity.results.findings import Findings, counted
from parity.results.verdict import Verdict

FOUND = pytest.StashKey[list[Findings]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--parity-json`."""
    words = "write the records of every parity_check as JSON lines to FILE"
    parser.getgroup("parity").addoption("--parity-json", metavar="FILE", help=words)


@pytest.fixture
def parity_check(request: pytest.FixtureRequest) -> Callable[..., Findings]:
    """`parity.check`, with the test's name as the case's, which fails the test if anything is red."""

    def check(*pair, **options) -> Findings:
        __tracebackhide__ = True
        import parity

        found = parity.check(*pair, **{"name": request.node.name} | options)
        request.config.stash.setdefault(FOUND, []).append(found)
        if found.red:
            pytest.fail("\n".join(verdict.sentence() for verdict in found.red), pytrace=False)
        return found

    return check


def verdicts(config: pytest.Config) -> list[Verdict]:
    """Everything that was found so far."""
    return [verdict for found in config.stash.get(FOUND, []) for verdict in found.verdicts]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line, if the fixture was used."""
    if found := verdicts(config):
        terminalreporter.write_line(f"parity: {counted(found)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The records, where `--parity-json` says."""
    path = session.config.getoption("parity_json")
    made = [record for found in session.config.stash.get(FOUND, []) for record in found.records()]
    write(path, [{"record": "environment"} | environment(), *made])
