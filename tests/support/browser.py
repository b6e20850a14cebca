"""A headless browser for the tests that look at pages; where there is none, they are skipped and say how to get it."""

from __future__ import annotations

import shutil

import pytest

__all__ = ["READABLE", "READABLE_LARGE", "ActionChains", "By", "Keys", "browser"]

TOOLS = ("chromium", "chromedriver")
missing = [tool for tool in TOOLS if not shutil.which(tool)]
if missing:
    how = "apt-get install chromium chromium-driver"
    pytest.skip(f"{' and '.join(missing)} missing; to run this: {how}", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium missing; to run this: pip install selenium")

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
READABLE, READABLE_LARGE = 4.5, 3.0  # contrast, WCAG 2.2 level AA, 1.4.3; large is 24 px, or 18.66 px and bold


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium."""
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()
