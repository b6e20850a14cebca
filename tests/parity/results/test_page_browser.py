"""The HTML report in a browser: it loads nothing, complains of nothing, and shows what it should to hand and eye."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parity.results.page import render
from tests.support import page_samples as samples
from tests.support.browser import READABLE, READABLE_LARGE, ActionChains, By, Keys, browser

__all__ = ["browser"]  # a fixture

# Every visible text whose contrast with what lies behind it is too low.
PALE = """
const [enough, enoughLarge] = arguments;
const parts = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
function behind(node) {
  for (let at = node; at; at = at.parentElement) {
    const color = parts(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  throw new Error("no background");
}
const pale = [];
let seen = 0;
for (const node of document.querySelectorAll("body *")) {
  const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!text || !node.getClientRects().length || node.closest("script, .hidden")) continue;
  seen += 1;
  const style = getComputedStyle(node);
  const [a, b] = [parts(node.closest("svg") ? style.fill : style.color), behind(node)].map(luminance);
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (contrast < (large ? enoughLarge : enough)) pale.push(`${node.outerHTML.slice(0, 80)} ${contrast}`);
}
return { pale, seen };
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The reports of the passing and the failing run."""
    folder = tmp_path_factory.mktemp("pages")
    for name, records in (("passing", samples.passing()), ("failing", samples.failing())):
        (folder / f"{name}.html").write_text(render(records), encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture
def view(browser, pages):
    """Open a report: its name, dark or light, width and height. What was logged before is dropped."""

    def show(name: str, dark: bool = False, size: tuple[int, int] = (1280, 900), media: str = ""):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        metrics = dict(width=size[0], height=size[1], deviceScaleFactor=1, mobile=size[0] < 600)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(pages[name].as_uri())
        return browser

    return show


def cell(browser, case: str, variant: str):
    """The cell of a case, or of a layer, in a variant."""
    cells = all_of(browser, ".map td button")
    (match,) = [x for x in cells if x.get_attribute("title").startswith(f"{case}, {variant}: ")]
    return match


def all_of(browser, selector: str) -> list:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def text_of(browser, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


@pytest.mark.parametrize("name", ["passing", "failing"])
def test_nothing_is_loaded_and_nothing_complains(view, pages, name):
    browser = view(name)
    cell(browser, "norm", "mlx float32").click()
    assert text_of(browser, "dialog h2") == "norm, mlx float32", "the script runs"
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert asked - {"data:,"} == {pages[name].as_uri()}, "the page itself and no other"
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_a_click_shows_the_records_of_a_cell(view):
    browser = view("failing")
    cell(browser, "norm: typical", "mlx float32").click()
    assert text_of(browser, "dialog h2") == "norm: typical, mlx float32"
    assert text_of(browser, "#drill-count") == "1 passed, 2 failed, worst first"
    bias, weight, output = [x.text for x in all_of(browser, "dialog article")]
    assert "✕ bias" in bias and "error / bound inf, failed" in bias and "got\nnan" in bias
    assert "✕ weight" in weight and "error / bound 20, failed" in weight and "eight times the deviation" in weight
    figures = ("error\n0.02", "bound\n0.001", "expected\n1", "got\n1.02", "worst index\n(1)", "scale\n1")
    assert all(figure in weight for figure in figures)
    assert "failed" not in output and "error / bound 0.1" in output and "by decree" in output


def test_the_keyboard_suffices(view):
    browser = view("failing")
    fold = browser.find_element(By.XPATH, "//button[contains(@class, 'fold')][starts-with(., 'mlp')]")
    assert not cell(browser, "mlp: zero", "mlx float32").is_displayed()
    fold.send_keys(Keys.SPACE)
    assert fold.get_attribute("aria-expanded") == "true"
    start = cell(browser, "mlp: zero", "mlx float32")
    assert start.is_displayed()
    start.send_keys(Keys.ARROW_RIGHT)
    there = browser.switch_to.active_element
    assert there == cell(browser, "mlp: zero", "mlx float32 compiled")
    there.send_keys(Keys.ENTER)
    assert "Limitation: no tracing" in text_of(browser, "dialog")
    assert browser.switch_to.active_element.text == "Close"
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert not browser.find_element(By.ID, "drill").is_displayed()
    assert browser.switch_to.active_element == there, "back where it was"
    there.send_keys(Keys.ARROW_UP, Keys.ARROW_LEFT)
    assert browser.switch_to.active_element == cell(browser, "mlp", "mlx float32")


def test_failures_are_seen_at_once(view):
    browser = view("failing")
    assert "2 of 13 verdicts failed: norm" in text_of(browser, "h1") and "2 of 13" in browser.title
    open_layers = {row.text.split()[0] for row in all_of(browser, "tbody.open .fold")}
    assert open_layers == {"norm"}, "layers with failures are open, the others closed"
    over = browser.find_elements(By.CSS_SELECTOR, "#map td .over")
    assert [x.text for x in over if x.is_displayed()] == ["✕ ∞", "✕ ∞"], "the layer and its case"
    background = over[0].value_of_css_property("background-color")
    assert cell(browser, "norm: constant", "mlx float32").value_of_css_property("background-color") != background
    all_of(browser, "ol.failures button")[0].click()
    assert text_of(browser, "dialog h2") == "norm: typical, mlx float32"
    passing = view("passing")
    assert text_of(passing, "h1") == "9 of 9 verdicts passed."
    assert not all_of(passing, ".map .over") and not all_of(passing, "tbody.open"), "nothing asks for attention"


def test_light_and_dark_can_be_read(view):
    backgrounds = []
    for dark in (False, True):
        for name in ("passing", "failing"):
            browser = view(name, dark=dark)
            browser.find_element(By.ID, "all").click()
            browser.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
            cell(browser, "norm", "mlx float32").click()
            texts = browser.execute_script(PALE, READABLE, READABLE_LARGE)
            assert texts["pale"] == [] and texts["seen"] > 50
        backgrounds.append(browser.find_element(By.TAG_NAME, "html").value_of_css_property("background-color"))
    assert backgrounds[0] != backgrounds[1]


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_never_scrolls_sideways(view, dark):
    browser = view("failing", dark=dark, size=(390, 844))
    browser.find_element(By.ID, "all").click()
    browser.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    width = "return [document.documentElement.scrollWidth, innerWidth]"
    needed, given = browser.execute_script(width)
    assert needed <= given == 390
    name, square = all_of(browser, ".map .case th")[0], all_of(browser, ".map .case td button")[0]
    before = name.rect["x"], square.rect["x"]
    browser.execute_script("document.querySelector('#map .scroll').scrollLeft = 60")
    assert (name.rect["x"], square.rect["x"]) == (before[0], before[1] - 60), "names stay while the map moves"
    browser.execute_script("arguments[0].click()", cell(browser, "norm", "mlx float32"))
    box = browser.find_element(By.ID, "drill")
    assert box.rect["x"] >= 0 and box.rect["width"] <= 390
    assert browser.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", box)


def test_hostile_names_are_text(view):
    browser = view("failing")
    layer = samples.HOSTILE.partition(":")[0]
    assert any(row.text.startswith(layer) for row in all_of(browser, ".fold"))
    cell(browser, layer, "mlx float32").click()
    assert text_of(browser, "dialog h2") == f"{layer}, mlx float32"
    assert samples.HOSTILE in text_of(browser, "dialog article h3")
    assert f"Bound: {samples.HOSTILE}" in text_of(browser, "dialog article")
    injected = browser.execute_script("return document.querySelectorAll('img, main b b, dialog b').length")
    assert injected == 0 and browser.get_log("browser") == []


def test_without_scripts_and_on_paper_every_row_is_there(view):
    browser = view("failing", media="print")
    assert all(row.is_displayed() for row in all_of(browser, ".map .case"))
    assert not browser.find_element(By.ID, "all").is_displayed()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser = view("failing")
        assert all(row.is_displayed() for row in all_of(browser, ".map .case"))
        assert not browser.find_element(By.ID, "all").is_displayed(), "a button that could do nothing"
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
