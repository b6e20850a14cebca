"""The JUnit report, parsed back."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from parity.results.junit import document
from parity.results.reading import run_of
from parity.results.verdict import limited
from tests.support import page_samples as samples


def parsed(records: list[dict]) -> dict[str, ET.Element]:
    """{suite: element}"""
    return {suite.get("name"): suite for suite in ET.fromstring(document(records))}


def case(suite: ET.Element, name: str) -> ET.Element:
    (element,) = [x for x in suite.iter("testcase") if x.get("name") == name]
    return element


def test_a_passing_run():
    suites = parsed(samples.passing())
    assert {name: suite.get("tests") for name, suite in suites.items()} == {
        "norm": "8",
        "mlp": "2",
        "planted faults": "2",
    }
    assert all(suite.get("failures") == suite.get("errors") == "0" for suite in suites.values())
    assert case(suites["norm"], "norm: typical, mlx float64").get("time") is None, "nothing was timed"
    skipped = case(suites["mlp"], "mlp: zero, mlx float32 compiled").find("skipped")
    assert skipped.get("message") == "all: no tracing" and suites["mlp"].get("skipped") == "1"


def test_a_failing_run():
    suites = parsed(samples.failing())
    typical = case(suites["norm"], "norm: typical, mlx float32")
    (failure,) = typical.findall("failure")
    sentences = [v.sentence() for v in run_of(samples.failing()).verdicts if not v.ok]
    assert len(sentences) == 2 and failure.get("message") == sentences[0] and failure.text == "\n".join(sentences)
    assert typical.get("time") == "0.125000" and typical.get("classname") == "parity.norm"
    assert suites["norm"].get("failures") == "1" and suites["norm"].get("time") == "0.625000"
    assert case(suites["norm"], "norm: constant, mlx float32").find("failure") is None


def test_partly_limited_is_neither_skipped_nor_silent():
    partly = case(parsed(samples.failing())["norm"], "norm: typical, torch float64")
    assert partly.find("skipped") is None and partly.find("failure") is None
    assert partly.find("system-out").text == f"second order: {samples.HOSTILE}"
    both = [limited("n: a", "mlx", "jvp", "none"), samples.verdict("n: a", "mlx", error=1.0)]
    partly = case(parsed([v.record() for v in both])["n"], "n: a, mlx")
    assert partly.find("failure") is not None and partly.find("system-out").text == "jvp: none"


@pytest.mark.parametrize(
    ("suite", "good", "bad", "sentence"),
    [
        ("localization", "embed", "norm1", "norm1 (forward): norm1, mlx float64, output: at (1,)"),
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
            "takes 0.200 of baseline-torch's time, budget: 0.15",
        ),
        ("torch on Apple's GPU", "aten::add", "aten::cholesky", "torch, norm: aten::cholesky: kernel k"),
    ],
)
def test_every_record_type_has_a_suite(suite, good, bad, sentence):
    element = parsed(samples.failing())[suite]
    assert case(element, good).find("failure") is None
    assert sentence in case(element, bad).find("failure").get("message")
    assert element.get("failures") == "1"


def test_overhead():
    within, over = parsed(samples.failing())["overhead of the harness"].iter("testcase")
    assert within.find("failure") is None and within.get("time") == "2.000000"
    assert over.find("failure").get("message").startswith("the harness adds 90.0% to the models that it runs")


def test_a_call_that_was_not_compared_is_skipped():
    call = case(parsed(samples.failing())["localization"], "lookup")
    assert call.find("skipped").get("message") == "it is called with integers alone"


def test_totals():
    root = ET.fromstring(document(samples.failing()))
    for what, counted in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        assert int(root.get(what)) == len(list(root.iter(counted))) == sum(int(suite.get(what)) for suite in root) > 0


def test_environment_as_properties():
    suite = parsed(samples.passing())["norm"]
    properties = {x.get("name"): x.get("value") for x in suite.find("properties")}
    assert properties["torch"] == "2.13.0" and properties["processor"] == "Imagined Processor"


def test_what_xml_cannot_represent():
    name = "a\0b\x1b\ud800\ufffe<&\"'\u2028\U0001f600]]>"
    records = [samples.verdict(f"{name}: c", name, name, error=1.0, derivation=name).record()]
    records.append(samples.ENVIRONMENT | {"cpu": name})
    ((suite,),) = [list(ET.fromstring(document(records)))]
    shown = "a\\x00b\\x1b\\ud800\\ufffe<&\"'\u2028\U0001f600]]>"
    assert suite.get("name") == shown and shown in suite.find("testcase/failure").text


def test_nothing_is_a_document_too():
    assert list(ET.fromstring(document([]))) == []
