"""The page of `lyceum interpret` in a browser: it loads nothing, complains of nothing, and can be read anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lyceum.interpretation.answer import Alternative, Answer
from lyceum.interpretation.page import render
from lyceum.personas.lens.heat_map import HeatMap, Reading
from tests.support.browser import READABLE, READABLE_LARGE, ActionChains, By, Keys, browser

__all__ = ["browser"]  # a fixture
HOSTILE = '"><img src=x onerror=alert(1)>'

# Every visible text whose contrast with what lies behind it is too low. A canvas says what a mixed colour comes to.
PALE = """
const [enough, enoughLarge] = arguments;
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgb(color) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
function behind(node) {
  for (let at = node; at; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor);
    if (color[3] === 255) return color;
  }
  throw new Error("no background");
}
const pale = [];
let seen = 0;
for (const node of document.querySelectorAll("body *")) {
  const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!text || !node.getClientRects().length || node.closest("script")) continue;
  seen += 1;
  const style = getComputedStyle(node);
  const [a, b] = [rgb(style.color), behind(node)].map(luminance);
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (contrast < (large ? enoughLarge : enough)) pale.push(`${node.outerHTML.slice(0, 80)} ${contrast}`);
}
return { pale, seen };
"""


def sample() -> Answer:
    """Forty tokens, one of them hostile; numbers of every size, and some that are missing."""
    g, tokens = np.random.default_rng(0), (HOSTILE, *(f"·word{i}" for i in range(39)))
    ids = np.zeros((1, 40), np.int32)
    values = np.linspace(-2, 2, 20).reshape(5, 4)
    values[2, 1] = np.nan
    rows = tuple(f"block {i}, head 1" for i in range(1, 6))
    maps = (
        HeatMap("Few columns", "Numbers in the cells.", rows, ("genus", HOSTILE, "individual", "sum"), values),
        HeatMap("Tokens", HOSTILE, rows, tokens, g.random((5, 40)), unit="", signed=False, tokens=True),
    )
    alternatives = (Alternative(HOSTILE, -0.1, -9.0), Alternative("·word1", -3.0, -2.0))
    reading = Reading(ids, ids, tokens, tokens, 2, lambda *x: None)
    return Answer(reading, "aristotle", "torch on cpu, float32", True, alternatives, maps)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render(sample()), encoding="utf-8")
    return path


@pytest.fixture
def view(browser, page):
    """Open the page, dark or light, at a size. What was logged before is dropped."""

    def show(dark: bool = False, size: tuple[int, int] = (1280, 900)):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        metrics = dict(width=size[0], height=size[1], deviceScaleFactor=1, mobile=size[0] < 600)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(page.as_uri())
        return browser

    return show


def all_of(browser, selector: str) -> list:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def test_nothing_is_loaded_and_nothing_complains(view, page):
    browser = view()
    all_of(browser, ".map td[title]")[0].click()
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert asked - {"data:,"} == {page.as_uri()}, "the page itself and no other"


def test_the_pointer_shows_a_number(view):
    browser = view()
    cell = all_of(browser, ".map.tokens td[title]")[5]
    ActionChains(browser).move_to_element(cell).perform()
    value = sample().maps[1].values[0, 5]
    assert cell.get_attribute("title") == all_of(browser, ".readout")[1].text == f"block 1, head 1, ·word4: {value:.3f}"
    assert all_of(browser, ".map td[title]")[0].text == "-2.000" and len(all_of(browser, "td.none")) == 1


def test_the_keyboard_suffices(view):
    browser = view()
    first = all_of(browser, ".map td[title]")[0]
    first.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    there = browser.switch_to.active_element
    assert there.get_attribute("title").startswith("block 3, head 1, genus: ")
    there.send_keys(Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element == there, "no step onto a cell without a number"
    assert all_of(browser, ".readout")[0].text == there.get_attribute("title")


def test_light_and_dark_can_be_read(view):
    backgrounds = []
    for dark in (False, True):
        browser = view(dark=dark)
        texts = browser.execute_script(PALE, READABLE, READABLE_LARGE)
        assert texts["pale"] == [] and texts["seen"] > 100
        backgrounds.append(browser.find_element(By.TAG_NAME, "html").value_of_css_property("background-color"))
        strong, weak = (all_of(browser, ".map td[title]")[i].value_of_css_property("background-color") for i in (0, 9))
        assert strong != weak
    assert backgrounds[0] != backgrounds[1]


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_never_scrolls_sideways(view, dark):
    browser = view(dark=dark, size=(390, 844))
    needed, given = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert needed <= given == 390
    name, cell = all_of(browser, ".tokens tbody th")[0], all_of(browser, ".tokens td[title]")[0]
    before = name.rect["x"], cell.rect["x"]
    browser.execute_script("arguments[0].closest('.scroll').scrollLeft = 60", cell)
    assert (name.rect["x"], cell.rect["x"]) == (before[0], before[1] - 60), "names stay while the map moves"
    assert name.rect["height"] < 40, "a name stays on a line or two"
    browser.execute_script("arguments[0].click()", cell)
    assert all_of(browser, ".readout")[1].text == cell.get_attribute("title"), "a finger suffices"


def test_hostile_tokens_are_text(view):
    browser = view()
    assert browser.find_element(By.CSS_SELECTOR, ".alternatives tbody th").text == HOSTILE
    assert not all_of(browser, "img") and browser.get_log("browser") == []


def test_without_scripts_every_number_is_there(view):
    browser = view()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        assert len(all_of(view(), ".map td[title]")) == 19 + 200
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
