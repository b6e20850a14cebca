"""The JUnit report, parsed back."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from parity.results.junit import document
from parity.results.page.reading import run
from parity.results.verdict import limited
from tests.support import page_samples as samples


def parsed(records: list[dict]) -> dict[str, ET.Element]:
    """{suite: element}"""
    return {suite.get("name"): suite for suite in ET.fromstring(document(records))}


def case(suite: ET.Element, name: str) -> ET.Element:
    (found,) = [x for x in suite.iter("testcase") if x.get("name") == name]
    return found


def test_green():
    suites = parsed(samples.green())
    assert {name: suite.get("tests") for name, suite in suites.items()} == {
        "norm": "8",
        "mlp": "2",
        "planted faults": "2",
    }
    assert all(suite.get("failures") == suite.get("errors") == "0" for suite in suites.values())
    assert case(suites["norm"], "norm: typical, mlx float64").get("time") is None, "nothing was timed"
    skipped = case(suites["mlp"], "mlp: zero, mlx float32 compiled").find("skipped")
    assert skipped.get("message") == "all: no tracing" and suites["mlp"].get("skipped") == "1"


def test_red():
    suites = parsed(samples.red())
    typical = case(suites["norm"], "norm: typical, mlx float32")
    (failure,) = typical.findall("failure")
    red = [v.sentence() for v in run(samples.red()).verdicts if not v.ok]
    assert len(red) == 2 and failure.get("message") == red[0] and failure.text == "\n".join(red)
    assert typical.get("time") == "0.125000" and typical.get("classname") == "parity.norm"
    assert suites["norm"].get("failures") == "1" and suites["norm"].get("time") == "0.625000"
    assert case(suites["norm"], "norm: constant, mlx float32").find("failure") is None


def test_partly_limited_is_neither_skipped_nor_silent():
    made = case(parsed(samples.red())["norm"], "norm: typical, torch float64")
    assert made.find("skipped") is None and made.find("failure") is None
    assert made.find("system-out").text == f"second order: {samples.HOSTILE}"
    both = [limited("n: a", "mlx", "jvp", "none"), samples.verdict("n: a", "mlx", error=1.0)]
    made = case(parsed(list(map(samples.record, both)))["n"], "n: a, mlx")
    assert made.find("failure") is not None and made.find("system-out").text == "jvp: none"


@pytest.mark.parametrize(
    ("suite", "good", "bad", "sentence"),
    [
        ("where they part", "embed", "norm1", "norm1 (forward): norm1, mlx float64, output: at (1,)"),
        ("planted faults", "wrong eps, mlx", "swapped heads, mlx", "made swapped heads: caught by nothing"),
        (
            "harmless rewrites",
            "sum in another order, mlx",
            "product in another order, torch",
            "flagged by norm: typical",
        ),
        (
            "time per iteration",
            "baseline-torch",
            "aristotle-torch",
            "takes 0.200 of baseline-torch's time, promised: 0.15",
        ),
        ("torch on Apple's GPU", "aten::add", "aten::cholesky", "torch, norm: aten::cholesky: kernel k"),
    ],
)
def test_every_kind_of_record_has_a_suite(suite, good, bad, sentence):
    found = parsed(samples.red())[suite]
    assert case(found, good).find("failure") is None
    assert sentence in case(found, bad).find("failure").get("message")
    assert found.get("failures") == "1"


def test_overhead():
    light, heavy = parsed(samples.red())["overhead of the harness"].iter("testcase")
    assert light.find("failure") is None and light.get("time") == "2.000000"
    assert heavy.find("failure").get("message").startswith("the harness adds 90.0% to the models that it runs")


def test_a_place_that_was_not_compared_is_skipped():
    made = case(parsed(samples.red())["where they part"], "lookup")
    assert made.find("skipped").get("message") == "it is called with integers alone"


def test_totals():
    root = ET.fromstring(document(samples.red()))
    for what, counted in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        assert int(root.get(what)) == len(list(root.iter(counted))) == sum(int(suite.get(what)) for suite in root) > 0


def test_environment_as_properties():
    suite = parsed(samples.green())["norm"]
    found = {x.get("name"): x.get("value") for x in suite.find("properties")}
    assert found["torch"] == "2.13.0" and found["processor"] == "Imagined Processor"


def test_what_xml_cannot_hold():
    name = "a\0b\x1b\ud800\ufffe<&\"'\u2028\U0001f600]]>"
    records = [samples.record(samples.verdict(f"{name}: c", name, name, error=1.0, derivation=name))]
    records.append(samples.ENVIRONMENT | {"cpu": name})
    ((suite,),) = [list(ET.fromstring(document(records)))]
    shown = "a\\x00b\\x1b\\ud800\\ufffe<&\"'\u2028\U0001f600]]>"
    assert suite.get("name") == shown and shown in suite.find("testcase/failure").text


def test_nothing_is_a_document_too():
    assert list(ET.fromstring(document([]))) == []
