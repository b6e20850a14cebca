"""The page of a search in a browser: it loads nothing, fits a phone, and can be read in light and dark."""

from __future__ import annotations

import dataclasses
import json
from math import inf

import optuna
import pytest

from lyceum.experiments.search import record
from lyceum.experiments.search.outcome import outcome
from lyceum.experiments.search.page import signed
from lyceum.experiments.search.study import Study
from lyceum.experiments.search.work import work
from tests.parity.results.test_page_browser import PALE, all_of, text_of
from tests.support.browser import READABLE, READABLE_LARGE, By, browser
from tests.support.search_worker import example, losses

__all__ = ["browser"]  # a fixture


@pytest.fixture(scope="module")
def finished():
    """(setup, outcome) of a search with eight candidates and two seeds."""
    setup = example()
    study = Study(optuna.storages.InMemoryStorage(), "example", setup, 30.0)
    return setup, outcome(setup, work(study, losses))


@pytest.fixture(scope="module")
def page(finished, tmp_path_factory):
    return record.write(*finished[:1], "a <b>study</b>", finished[1], tmp_path_factory.mktemp("page"))[1]


def view(browser, page, dark: bool = False, width: int = 1280):
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
    metrics = dict(width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(page.as_uri())


def test_the_bracket_is_complete(browser, page, finished):
    _, result = finished
    view(browser, page)
    assert f"Candidate {result.best}" in text_of(browser, "h1") and "a <b>study</b>" in browser.title
    assert len(all_of(browser, ".pair")) == len(result.comparisons) == 7
    assert len(all_of(browser, ".stage")) == 3
    assert len(all_of(browser, "tbody tr")) == 8
    assert [row.find_element(By.CSS_SELECTOR, "th").text for row in all_of(browser, "tr.best")] == [str(result.best)]
    last = all_of(browser, ".stage:last-child .better a")
    assert [one.text for one in last] == [str(result.best)]


def test_nothing_is_loaded_and_nothing_complains(browser, page):
    view(browser, page)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert asked - {"data:,"} == {page.as_uri()} and browser.get_log("browser") == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_can_be_read_and_never_scrolls_sideways(browser, page, dark, width):
    view(browser, page, dark, width)
    texts = browser.execute_script(PALE, READABLE, READABLE_LARGE)
    assert texts["pale"] == [] and texts["seen"] > 50
    needed, given = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert needed <= given == width


def test_the_default_may_stay(finished, browser, tmp_path):
    setup, result = finished
    stays = dataclasses.replace(result, best=0, gain=None, error=None, steps=None)
    view(browser, record.write(setup, "example", stays, tmp_path)[1])
    assert text_of(browser, "h1") == "The persona’s default recipe stays: none of 7 others was better."


def test_differences_in_words():
    assert signed(-0.01234, 0.001) == "0.0123\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.0010"
    assert signed(inf, 0.0) == signed(-inf, 0.0) == "diverged"
