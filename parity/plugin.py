"""A pytest plugin: the fixture `parity_check`, its results in the summary and as records.

    # conftest.py
    pytest_plugins = ["parity.plugin"]          # or on the command line: python -m pytest -p parity.plugin

    # test_port.py
    def test_my_block(parity_check):
        parity_check(mlx_block(), torch_block(), inputs=(2, 16, 64))

A test fails with one sentence for each cause, and a mistake in the use of `parity` is one sentence.
`--parity-json FILE` writes the records of all verdicts, for `python -m parity report FILE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from parity.brief import MISTAKES, line, origin
from parity.results.environment import environment
from parity.results.findings import Findings, count
from parity.results.saving import write_json
from parity.results.verdict import Verdict

FINDINGS = pytest.StashKey[list[Findings]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--parity-json`."""
    words = "write the records of every parity_check as JSON lines to FILE"
    parser.getgroup("parity").addoption("--parity-json", metavar="FILE", help=words)


@pytest.fixture
def parity_check(request: pytest.FixtureRequest) -> Callable[..., Findings]:
    """`parity.check`, with the name of the test as the name of the case; the test fails if a verdict fails."""

    def check(*pair, **options) -> Findings:
        __tracebackhide__ = True
        import parity

        findings = parity.check(*pair, **{"name": request.node.name} | options)
        request.config.stash.setdefault(FINDINGS, []).append(findings)
        if not findings.ok:
            pytest.fail("\n".join(findings.sentences()), pytrace=False)
        return findings

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """A mistake that `parity` reports is its sentence, after the line of the test, and no more."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, MISTAKES):
        report.longrepr = f"{item.nodeid}{origin(call.excinfo.value)}: {line(call.excinfo.value)}"
    return report


def all_verdicts(config: pytest.Config) -> list[Verdict]:
    """The verdicts of every `parity_check` so far."""
    return [v for findings in config.stash.get(FINDINGS, []) for v in (*findings.verdicts, *findings.ignored)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line, if the fixture was used."""
    if verdicts := all_verdicts(config):
        terminalreporter.write_line(f"parity: {count(verdicts)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the records where `--parity-json` says."""
    path = session.config.getoption("parity_json")
    records = [verdict.record() for verdict in all_verdicts(session.config)]
    write_json(path, [{"record": "environment"} | environment(), *records])
