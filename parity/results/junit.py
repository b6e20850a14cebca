"""The records of a run as JUnit's XML, which every system for continuous integration reads.

    <testsuite>   a layer; a localization; planted faults; harmless rewrites; the bench; a backend's kernels
    <testcase>    a variant of a case, a call, an edit in a backend, a candidate, an operator
    <failure>     the first failure's sentence as its message, every failure's sentence as its text
    <skipped>     nothing but limitations, with their reasons
    <properties>  the environment

A variant that is compared in part is a passed test, with its limitations in <system-out>. The format has no authority
that defines it; these elements and attributes are those that Jenkins, GitLab and pytest share.

XML 1.0 cannot represent most control characters, not even escaped, nor lone surrogates. They are written as Python
would write them, "\\x00".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass

from parity.results.environment import combined
from parity.results.grouping import grouped, layer_of
from parity.results.localization import CallResult
from parity.results.reading import Run, run_of
from parity.results.records import REFERENCE, Overhead, Planted, Timing
from parity.results.verdict import Verdict

INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Test:
    """A <testcase>. failures, limitations: sentences. seconds: None where nothing was timed."""

    __test__ = False  # not one of pytest's

    name: str
    failures: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    skipped: bool = False
    seconds: float | None = None


def document(records: Iterable[dict]) -> bytes:
    """The XML, in UTF-8. records: what `reading.read` returns. Raises what `reading.run_of` raises."""
    run = run_of(records)
    properties = combined(run.environments)
    root = ET.Element("testsuites", name="parity")
    by_suite = suites(run)
    root.attrib |= counts([test for _, tests in by_suite for test in tests])
    for name, tests in by_suite:
        suite = ET.SubElement(root, "testsuite", name=valid(name), **counts(tests))
        listed = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(listed, "property", name=valid(key), value=valid(value))
        for test in tests:
            add_test(suite, name, test)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def suites(run: Run) -> list[tuple[str, list[Test]]]:
    """(name, tests) of every suite that has any."""
    seconds = {(cost.case, cost.variant): cost.seconds for cost in run.costs}
    layers = grouped(run.verdicts, lambda v: layer_of(v.case))
    by_suite = [(layer, variant_tests(verdicts, seconds)) for layer, verdicts in layers.items()]
    by_suite.append(("localization", [call_test(call) for call in run.calls]))
    by_suite.append(("planted faults", [planted_test(p, p.verdict is not None) for p in run.faults]))
    by_suite.append(("harmless rewrites", [planted_test(p, p.verdict is None) for p in run.rewrites]))
    by_suite.append(("time per iteration", [timing_test(t) for t in run.timings]))
    by_suite.append(("overhead of the harness", [overhead_test(o) for o in run.overheads]))
    for backend, rows in grouped(run.audits, lambda row: row.backend).items():
        tests = [Test(row.name, () if row.ok else (row.sentence(),)) for row in rows]
        by_suite.append((f"{backend} on Apple's GPU", tests))
    return [(name, tests) for name, tests in by_suite if tests]


def variant_tests(verdicts: list[Verdict], seconds: dict[tuple[str, str], float]) -> list[Test]:
    """One test for each variant of each case."""
    tests = []
    for (case, variant), group in grouped(verdicts, lambda v: (v.case, v.variant)).items():
        failures = tuple(v.sentence() for v in group if not v.ok)
        limitations = tuple(f"{v.what}: {v.limitation}" for v in group if v.limitation)
        skipped = len(limitations) == len(group)
        tests.append(Test(f"{case}, {variant}", failures, limitations, skipped, seconds.get((case, variant))))
    return tests


def call_test(call: CallResult) -> Test:
    """The test of a call of a localization; what was not compared there is a limitation."""
    failed = [(stage, v) for stage, v in call.verdicts.items() if not v.ok and not call.innocent]
    failures = tuple(f"{call.name} ({stage}): {v.sentence()}" for stage, v in failed)
    return Test(call.name, failures, (call.reason,) if call.reason else call.missing, not call.verdicts)


def planted_test(edit: Planted, ok: bool) -> Test:
    """The test that an edit had the outcome it should have."""
    name = f"{edit.name}, {edit.backend}"
    outcome = f"flagged by {edit.verdict.sentence()}" if edit.verdict else "caught by nothing"
    return Test(name, () if ok else (f"{name}: {edit.note}: {outcome}",))


def timing_test(t: Timing) -> Test:
    """The test that a candidate is within its budget."""
    over = f"{t.name} takes {t.ratio:.3f} of {REFERENCE}'s time, budget: {t.budget}"
    return Test(t.name, () if t.within_budget else (over,), seconds=t.seconds)


def overhead_test(o: Overhead) -> Test:
    """The test that the harness is within its budget."""
    over = f"the harness adds {o.share:.1%} to the models that it runs, budget: less than {o.budget:.0%}"
    return Test("first-order check", () if o.within_budget else (over,), seconds=o.seconds)


def counts(tests: list[Test]) -> dict[str, str]:
    """The attributes that sum up some tests."""
    seconds = sum(test.seconds or 0.0 for test in tests)
    numbers = {"tests": len(tests), "failures": sum(bool(t.failures) for t in tests), "errors": 0}
    numbers["skipped"] = sum(t.skipped for t in tests)
    return {key: str(number) for key, number in numbers.items()} | {"time": f"{seconds:.6f}"}


def add_test(suite: ET.Element, name: str, test: Test) -> None:
    """Add a test to the suite of this name."""
    time = {} if test.seconds is None else {"time": f"{test.seconds:.6f}"}
    element = ET.SubElement(suite, "testcase", classname=valid(f"parity.{name}"), name=valid(test.name), **time)
    if test.failures:
        ET.SubElement(element, "failure", message=valid(test.failures[0])).text = valid("\n".join(test.failures))
    if test.skipped:
        ET.SubElement(element, "skipped", message=valid("; ".join(dict.fromkeys(test.limitations))))
    if test.limitations and not test.skipped:
        ET.SubElement(element, "system-out").text = valid("\n".join(test.limitations))


def valid(text: str) -> str:
    """The text, with what XML cannot represent escaped."""
    return INVALID.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
