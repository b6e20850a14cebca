"""The HTML report: what is read, what is claimed, what is drawn. A browser looks at it in test_page_browser."""

from __future__ import annotations

import json
import math
import time

import pytest

from lyceum.contract import UserError
from parity.results.environment import combined
from parity.results.page import render
from parity.results.page.head import claims, headline, listed
from parity.results.page.heatmap import columns, layers, level, short, square
from parity.results.page.strip import EDGES, INSIDE, chart
from parity.results.reading import read, run_of
from parity.results.saving import write_json
from parity.results.verdict import limited
from tests.support import page_samples as samples


@pytest.fixture
def written(tmp_path):
    """Write a text to a file."""

    def write(text: str):
        path = tmp_path / "run.jsonl"
        path.write_text(text)
        return path

    return write


def test_what_was_written_is_read_back(tmp_path):
    paths = [tmp_path / "passing.jsonl", tmp_path / "failing.jsonl"]
    write_json(str(paths[0]), samples.passing())
    write_json(str(paths[1]), samples.failing())
    run = run_of(read(paths))
    assert repr(run) == repr(run_of(samples.passing() + samples.failing())), "a text, for nan is not equal to itself"
    assert len(run.verdicts) == 25
    assert math.isinf(next(v.error for v in run.verdicts if v.what == "bias")), "JSON carried it as a string"
    assert run.costs[1].peak_bytes is None and run.timings[1].ratio == 0.2 and not run.audits[1].ok


GOOD = samples.verdict("norm: typical", "mlx float32").record()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("{", "line 1 is not a record"),
        (json.dumps(GOOD) + "\n[]\n", "line 2 is not a record"),
        (json.dumps(GOOD) + "\n\n" + json.dumps(GOOD), "line 2 is not a record"),
        ('{"record": "rumour"}', "no record type 'rumour'"),
        ('{"case": "norm"}', "KeyError: 'record'"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "bound"}), "KeyError: 'bound'"),
        (json.dumps(GOOD | {"error": "much"}), "could not convert"),
        (json.dumps(GOOD | {"error": 1.0}), "it says ok: True, but its error is 1, its bound 0.001"),
        (json.dumps(GOOD | {"where": 3}), "not iterable"),
        (json.dumps(samples.planted("fault", "f", "mlx", None) | {"caught": True}), "it says caught: True"),
        (json.dumps(samples.localized()[1] | {"ok": True}), "it says ok: True"),
        (json.dumps(samples.localized()[-1] | {"ok": True}), "it says ok: True"),
        (json.dumps(samples.planted("fault", "f", "jax", None)), "KeyError: 'jax'"),
    ],
)
def test_a_malformed_file_is_one_sentence(written, text, complaint):
    path = written(text)
    with pytest.raises(UserError) as caught:
        read([path])
    sentence = str(caught.value)
    assert complaint in sentence and str(path) in sentence and "\n" not in sentence
    assert "--json" in sentence, "says what to do"


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot read .*gone.jsonl .*No such file.*--json"):
        read([tmp_path / "gone.jsonl"])
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not text in UTF-8"):
        read([tmp_path / "image"])


def test_the_headline_of_a_passing_run():
    run_claims = claims(run_of(samples.passing()))
    assert headline(run_claims) == "9 of 9 verdicts passed.", "the limitation is no verdict"
    assert [claim.sentence() for claim in run_claims[1:]] == ["2 of 2 planted faults caught"]
    assert headline([]) == "Nothing was compared."
    assert headline(claims(run_of([GOOD] * 1284))) == "1,284 of 1,284 verdicts passed."


def test_the_headline_of_a_failing_run_hides_nothing():
    assert headline(claims(run_of(samples.failing()))) == (
        "2 of 13 verdicts failed: norm; 1 of 2 calls diverge, first in norm1 (forward); "
        "1 of 3 planted faults not caught; 1 of 2 harmless rewrites flagged; "
        "1 of 1 candidates over their time budget; 1 of 2 overheads over budget; "
        "1 of 2 operators not served on Apple\u2019s GPU."
    )
    healthy = [x for x in samples.failing() if x["record"] != "verdict"] + [GOOD]
    assert headline(claims(run_of(healthy))).startswith(
        "1 of 1 verdicts passed; 1 of 2 calls diverge, first in norm1 (forward); "
    )


def test_listed():
    assert [listed("a"), listed("aba"), listed("abc"), listed("abcde")] == ["a", "a and b", "a, b and c", LONG]


LONG = "a, b, c and 2 more"


def test_environments_that_differ_show_all_values():
    other = samples.ENVIRONMENT | {"torch_threads": 2}
    environment = combined([samples.ENVIRONMENT, other])
    assert environment["torch threads"] == "1 | 2" and environment["torch"] == "2.13.0"
    assert environment["revision"] == "0123456789ab-dirty"
    assert next(iter(environment)) == "python" and "thread variables" not in environment
    assert "2 environments" in render([samples.ENVIRONMENT, other])
    assert "environments" not in render([samples.ENVIRONMENT, samples.ENVIRONMENT])


def test_columns_are_ordered_by_precision_with_the_backends_side_by_side():
    variants = (
        "reference slope", "mlx float32 compiled", "mlx float32", "torch float64", "bound float64", "torch float32",
        "torch to mlx float32", "mlx bfloat16", "torch float32 compiled", "mlx float64", "reference float64",
        "torch float16 on mps", "strange",
    )  # fmt: skip
    ordered = columns(samples.verdict("case", variant) for variant in variants)
    assert [column.variant for column in ordered] == [
        "torch float64", "mlx float64", "torch float32", "mlx float32", "torch float32 compiled",
        "mlx float32 compiled", "torch to mlx float32", "mlx bfloat16", "torch float16 on mps", "strange",
        "reference float64", "reference slope", "bound float64",
    ]  # fmt: skip
    assert {column.variant: column.label for column in ordered}["torch float16 on mps"] == "torch on mps"


def test_layers_open_to_their_cases():
    verdicts = run_of(samples.failing()).verdicts
    norm, mlp, *_ = layers(verdicts, columns(verdicts))
    assert [(layer.line.name, layer.line.failures) for layer in (norm, mlp)] == [("norm", 2), ("mlp", 0)]
    assert [(case.name, case.failures) for case in norm.cases] == [("typical", 2), ("constant", 0)]
    variants = [column.variant for column in columns(verdicts)]
    squares, typical = norm.line.squares, norm.cases[0].squares
    assert squares[variants.index("mlx float32")].text == typical[variants.index("mlx float32")].text == "✕ ∞"
    assert norm.cases[1].squares[variants.index("mlx float32")].text == "0.90"
    assert mlp.cases[0].squares[variants.index("torch float64")] is None, "nothing was compared"
    partly = typical[variants.index("torch float64")]
    assert partly.partly and samples.HOSTILE in partly.words


@pytest.mark.parametrize(
    ("error", "text", "name"),
    [
        (0.0, "=", "exact"),
        (1e-7, "1e-4", "shade-0"),
        (5e-6, "5e-3", "shade-1"),
        (5e-5, "0.05", "shade-2"),
        (4e-4, "0.40", "shade-3"),
        (9e-4, "0.90", "shade-4"),
        (2e-3, "✕ 2.00", "over"),
        (50.0, "✕ 5e4", "over"),
        (math.inf, "✕ ∞", "over"),
    ],
)
def test_a_square_can_be_read_without_its_colour(error, text, name):
    verdicts = [samples.verdict("norm", "mlx", error=error), samples.verdict("norm", "mlx", error=0.0)]
    cell = square("norm, mlx", verdicts)
    assert (cell.text, cell.level) == (text, name)
    assert ("1 failed of 2" if name == "over" else "2 passed") in cell.words


def test_a_square_of_limitations_says_why():
    cell = square("norm, mlx", [limited("norm", "mlx", "jvp", "no kernel"), limited("norm", "mlx", "x", "no kernel")])
    assert (cell.text, cell.level, cell.partly) == ("limited", "limited", False)
    assert cell.words == "norm, mlx: limitation: no kernel"


def test_what_is_no_number_is_over():
    assert level(math.nan) == level(math.inf) == level(1.01) == "over" and level(1.0) == "shade-4"
    assert [short(x) for x in (math.nan, 0.0, 0.0123, 12.3, 1e-10)] == ["NaN", "0", "0.01", "12", "1e-10"]


def test_strip():
    errors = (0.0, 1e-20, 1e-6, 1e-3, 1e-2, 1e30, math.inf)
    variants = ("torch float64", "mlx float32", "mlx float32", "reference slope", "mlx float32", "mlx x", "mlx x")
    drawn = chart(samples.verdict("norm: a", variant, error=e) for variant, e in zip(variants, errors, strict=True))
    (strip,) = drawn.layers["norm"]
    dots = {(dot.x, dot.lane, dot.failed) for dot in strip.dots}
    # Errors of 1.0 + e are rounded: 1e-20 is lost, so the second dot is a zero too; bounds are 1e-3.
    assert {(EDGES[0], 0, False), (EDGES[0], 1, False), (drawn.limit, 2, False), (EDGES[1], 1, True)} <= dots
    assert len(strip.dots) == 6, "what is beyond the axis looks the same"
    assert strip.dots[-1].failed and not strip.dots[0].failed, "failures are drawn on top"
    assert [power for _, power in drawn.ticks] == list(range(-6, 4))
    ten = next(dot.x for dot in strip.dots if dot.failed and dot.x < EDGES[1])
    assert ten - drawn.limit == pytest.approx((INSIDE[1] - INSIDE[0]) / 9, abs=0.1), "a decade"


def test_sections_without_records_are_left_out():
    def sections(records):
        return {name for name in SECTIONS if f'<section id="{name}"' in render(records)}

    assert sections(samples.failing()) == set(SECTIONS)
    assert sections(samples.passing()) == {"map", "strips", "limitations", "faults"}
    assert sections([samples.ENVIRONMENT]) == set()
    assert sections([samples.timing("baseline-torch", 1.0)]) == {"bench"}
    assert sections([limited("norm: a", "mlx x", "jvp", "none").record()]) == {"map", "limitations"}


SECTIONS = (
    "failures",
    "map",
    "strips",
    "localize",
    "limitations",
    "faults",
    "rewrites",
    "bench",
    "overhead",
    "audit",
    "costs",
)


def test_names_cannot_become_markup():
    page = render(samples.failing())
    assert page.count("</script>") == 2 == page.count("<script"), "the data and the script, nothing else"
    assert "<b>bold" not in page and "<img" not in page and "&lt;b&gt;bold" in page


def test_a_lone_surrogate_does_not_break_the_file():
    render([samples.verdict("\ud800: \0", "mlx float32").record()]).encode()


def test_the_page_stays_short_and_quick():
    variants = ("torch float64", "mlx float64", "torch float32", "mlx float32", "mlx float32 compiled")
    whats = [f"model.blocks.{i}.attention.qkv.weight" for i in range(10)]
    many = [
        samples.verdict(f"layer {case % 12}: case {case}", variant, what, 1e-3 / (3 + case * i)).record()
        for case in range(100)
        for variant in variants
        for i, what in enumerate(whats)
    ]
    start = time.perf_counter()
    size = len(render(many).encode())
    assert len(many) == 5000 and size < 2_000_000
    assert time.perf_counter() - start < 10
