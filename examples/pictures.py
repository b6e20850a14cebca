"""The pictures of the README, made again: `python -m examples.pictures RUN` (about five minutes).

    docs/pictures/terminal.svg   what `python train_mps.py --steps 200` prints, run now
    docs/pictures/loss.png       what `lyceum plot RUN` draws; RUN: the folder of a complete run
    docs/pictures/heatmap.png    the heat map of `python -m parity report`, for a check of all layers that is run now

The heat map is a screenshot of the page in a headless Chromium, which must be installed.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.common.by import By

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
TRAIN = ("train_mps.py", "--backend", "torch", "--steps", "200", "--out", "runs/demo")
WIDTH = 104  # columns of the terminal


def run(folder: Path, *arguments: str) -> str:
    """What `python ARGUMENTS` prints, run in a folder. Raises CalledProcessError if it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def terminal(folder: Path) -> str:
    """An SVG of a short training run in a terminal."""
    printed = run(folder, str(ROOT / TRAIN[0]), *TRAIN[1:])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ python " + " ".join(TRAIN), style="bold"))
    console.print(Text(printed.rstrip()))
    return console.export_svg(title="Lyceum")


def heatmap(folder: Path, path: Path) -> None:
    """Save a picture of the report's heat map."""
    run(folder, "-m", "parity", "check", "--json", "check.jsonl")
    run(folder, "-m", "parity", "report", "check.jsonl", "--out", "report.html")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1.5"):
        options.add_argument(flag)
    options.add_argument("--window-size=1100,2600")
    browser = webdriver.Chrome(options=options)
    try:
        browser.get((folder / "report.html").as_uri())
        browser.find_element(By.CSS_SELECTOR, "#map table.map").screenshot(str(path))
    finally:
        browser.quit()


def main(argv: list[str]) -> int:
    """Make all three; the exit status."""
    if len(argv) != 1:
        print("python -m examples.pictures: give the folder of one complete run.", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    run(ROOT, "-m", "lyceum", "plot", str(Path(argv[0]).resolve()), "--out", str(PICTURES / "loss.png"))
    with tempfile.TemporaryDirectory() as folder:
        (PICTURES / "terminal.svg").write_text(terminal(Path(folder)), encoding="utf-8")
        heatmap(Path(folder), PICTURES / "heatmap.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
