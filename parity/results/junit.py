"""The records of a run as JUnit's XML, which every system for continuous integration reads.

    <testsuite>   a layer; the places of a localization; planted faults; harmless rewrites; the bench; a backend's kernels
    <testcase>    a variant of a case, a place, an edit in a backend, a candidate, an operator
    <failure>     the first red sentence as its message, every red sentence as its text
    <skipped>     nothing but limitations, with their reasons
    <properties>  the environment

A variant that is compared in part is a passed test, whose limitations stand in <system-out>. The format has no authority
that defines it; these elements and attributes are those that Jenkins, GitLab and pytest share.

XML 1.0 cannot hold most control characters, not even escaped, nor lone surrogates. They are written as Python would
write them, "\\x00".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass

from parity.bench.iterations import PROMISED, REFERENCE, Timing
from parity.bench.overhead import PROMISED as LIGHT
from parity.bench.overhead import Overhead
from parity.localize.first_divergence import Place
from parity.results.page.head import environment
from parity.results.page.heatmap import grouped, layer_of
from parity.results.page.reading import Run, run
from parity.results.page.records import Planted
from parity.results.verdict import Verdict

UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Test:
    """A <testcase>. red, limits: sentences. seconds: None where nothing was timed."""

    __test__ = False  # not one of pytest's

    name: str
    red: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    skipped: bool = False
    seconds: float | None = None


def document(records: Iterable[dict]) -> bytes:
    """The XML, in UTF-8. records: what `parity.results.page.read` returns. Raises what `parity.results.page.reading.run` raises."""
    found = run(records)
    properties = environment(found.environments)
    root = ET.Element("testsuites", name="parity")
    made = suites(found)
    root.attrib |= counts([test for _, tests in made for test in tests])
    for name, tests in made:
        suite = ET.SubElement(root, "testsuite", name=held(name), **counts(tests))
        listed = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(listed, "property", name=held(key), value=held(value))
        for test in tests:
            element(suite, name, test)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def suites(found: Run) -> list[tuple[str, list[Test]]]:
    """(name, tests) of every suite that has any."""
    seconds = {(cost.case, cost.variant): cost.seconds for cost in found.costs}
    layers = grouped(found.verdicts, lambda v: layer_of(v.case))
    made = [(layer, variants(verdicts, seconds)) for layer, verdicts in layers.items()]
    made.append(("where they part", [compared(place) for place in found.places]))
    made.append(("planted faults", [planted(p, p.verdict is not None) for p in found.faults]))
    made.append(("harmless rewrites", [planted(p, p.verdict is None) for p in found.rewrites]))
    made.append(("time per iteration", [timed(t) for t in found.timings]))
    made.append(("overhead of the harness", [light(o) for o in found.overheads]))
    for backend, rows in grouped(found.audits, lambda row: row.backend).items():
        tests = [Test(row.name, () if row.ok else (row.sentence(),)) for row in rows]
        made.append((f"{backend} on Apple's GPU", tests))
    return [(name, tests) for name, tests in made if tests]


def variants(verdicts: list[Verdict], seconds: dict[tuple[str, str], float]) -> list[Test]:
    """One test for each variant of each case."""
    made = []
    for (case, variant), own in grouped(verdicts, lambda v: (v.case, v.variant)).items():
        red = tuple(v.sentence() for v in own if not v.ok)
        limits = tuple(f"{v.what}: {v.limitation}" for v in own if v.limitation)
        made.append(Test(f"{case}, {variant}", red, limits, len(limits) == len(own), seconds.get((case, variant))))
    return made


def compared(place: Place) -> Test:
    """The test of a place of a localization; what was not compared there is a limitation."""
    red = tuple(f"{place.name} ({stage}): {v.sentence()}" for stage, v in place.verdicts.items() if not v.ok)
    return Test(place.name, red, (place.reason,) if place.reason else place.missing, not place.verdicts)


def planted(edit: Planted, good: bool) -> Test:
    """The test that an edit had the outcome it should have."""
    outcome = f"flagged by {edit.verdict.sentence()}" if edit.verdict else "caught by nothing"
    return Test(
        f"{edit.name}, {edit.backend}", () if good else (f"{edit.name}, {edit.backend}: {edit.note}: {outcome}",)
    )


def timed(t: Timing) -> Test:
    """The test that a candidate is as fast as promised."""
    late = f"{t.name} takes {t.ratio:.3f} of {REFERENCE}'s time, promised: {PROMISED.get(t.name)}"
    return Test(t.name, () if t.kept else (late,), seconds=t.seconds)


def light(o: Overhead) -> Test:
    """The test that the harness adds as little as promised."""
    heavy = f"the harness adds {o.share:.1%} to the models that it runs, promised: less than {LIGHT:.0%}"
    return Test("first-order check", () if o.share < LIGHT else (heavy,), seconds=o.seconds)


def counts(tests: list[Test]) -> dict[str, str]:
    """The attributes that sum up some tests."""
    seconds = sum(test.seconds or 0.0 for test in tests)
    numbers = {"tests": len(tests), "failures": sum(bool(t.red) for t in tests), "errors": 0}
    numbers["skipped"] = sum(t.skipped for t in tests)
    return {key: str(number) for key, number in numbers.items()} | {"time": f"{seconds:.6f}"}


def element(suite: ET.Element, name: str, test: Test) -> None:
    """Add a test to its suite."""
    time = {} if test.seconds is None else {"time": f"{test.seconds:.6f}"}
    made = ET.SubElement(suite, "testcase", classname=held(f"parity.{name}"), name=held(test.name), **time)
    if test.red:
        ET.SubElement(made, "failure", message=held(test.red[0])).text = held("\n".join(test.red))
    if test.skipped:
        ET.SubElement(made, "skipped", message=held("; ".join(dict.fromkeys(test.limits))))
    if test.limits and not test.skipped:
        ET.SubElement(made, "system-out").text = held("\n".join(test.limits))


def held(text: str) -> str:
    """The text with what XML cannot hold written out."""
    return UNHOLDABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
