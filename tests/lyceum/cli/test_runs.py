"""`lyceum runs` and `lyceum compare`, `lyceum plot`: what is known of runs without a framework."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from matplotlib import image

from lyceum.cli import main
from lyceum.runs.folder import LOSSES


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")


def rows(page: str) -> dict[str, str]:
    """{first word of a line: the first line that begins with it}."""
    lines = [line for line in page.splitlines() if line.strip()]
    return {line.split()[0]: line for line in reversed(lines)}


def test_every_run_is_a_row_whatever_its_state(runs, capsys):
    (runs / "begun").mkdir()
    shutil.copy(runs / "one" / "config.json", runs / "begun")
    (runs / "notes").mkdir()
    assert main(["runs", str(runs)]) == 0
    page = rows(capsys.readouterr().out)
    assert "notes" not in page
    result = json.loads((runs / "one" / "result.json").read_text())
    for words in ("baseline", "torch", "1337", " finished ", f"{result['full_vloss']:.4f}", "no: shortened to 2 of"):
        assert words in page["one"]
    assert "stopped at 2 of 10,001" in page["stopped"] and "no: unfinished" in page["stopped"]
    assert "no checkpoint yet" in page["begun"]
    assert "finished by an older version" in page["older"] and f"{result['full_vloss']:.4f}" in page["older"]
    assert "unreadable: config.json is damaged" in page["damaged"]


def test_an_unfinished_run_of_an_older_version_and_foreign_files_are_rows(runs, capsys):
    (runs / "older" / "result.json").unlink()
    (runs / "one" / "result.json").write_text("[]")
    (runs / "other" / "config.json").write_text("{}")
    assert main(["runs", str(runs)]) == 0
    page = rows(capsys.readouterr().out)
    assert "written by an older version of this program (checkpoint format 1," in page["older"]
    assert "unreadable" in page["one"] and "unreadable: its record lacks" in page["other"]


def test_the_folder_of_one_run_and_of_none(runs, capsys, tmp_path):
    assert main(["runs", str(runs / "one")]) == 0
    assert " finished " in rows(capsys.readouterr().out)["one"]
    (tmp_path / "empty").mkdir()
    assert main(["runs", str(tmp_path / "empty")]) == 0
    assert capsys.readouterr().out.startswith("There is no run in")


def test_runs_below_others_are_listed_by_their_path(runs, capsys):
    assert main(["runs", str(runs.parent)]) == 0
    assert "runs/one" in rows(capsys.readouterr().out)


def test_a_comparison_is_a_table_and_a_picture_and_paired(runs, capsys, tmp_path):
    picture = tmp_path / "c.png"
    folders = [str(runs / name) for name in ("one", "other", "older")]
    assert main(["compare", *folders, "--out", str(picture)]) == 0
    page = capsys.readouterr().out
    table = rows(page)
    assert "first" in table["one"] and "+0.1000   0.0000" in table["other"] and "+0.0000   0.0000" in table["older"]
    assert "not over other seeds" in page and f"Wrote {picture}" in page
    assert image.imread(picture).shape[:2] == (675, 1200)


def test_a_comparison_by_frequency(runs, capsys, tmp_path):
    """Every target is in one class of the token that is read, and in one of the token that is predicted."""
    folders = [str(runs / name) for name in ("one", "other", "stopped")]
    assert main(["compare", *folders, "--by-frequency", "--out", str(tmp_path / "c.png")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.partition("in training")[2].splitlines()]
    shares = [cells for cells in lines if cells[:2] in (["other", "read"], ["other", "predicted"])]
    assert all(share[-2:] == ["+0.1000", "0.0000"] for share in shares)
    for role in ("read", "predicted"):
        tokens = {" ".join(share[2:-4]): int(share[-4]) for share in shares if share[1] == role}
        assert list(tokens) == [name for name in ("0", "1 to 4", "5 to 19", "20 and more") if name in tokens]
        assert sum(tokens.values()) == 199 and len(tokens) > 1


def test_a_comparison_by_frequency_reads_the_text_of_the_run(runs, capsys, tmp_path):
    for name in ("train.bin", "val.bin"):
        np.arange(200, dtype="<u2").tofile(tmp_path / name)
    arguments = ["compare", str(runs / "one"), str(runs / "other"), "--by-frequency", "--data-dir", str(tmp_path)]
    assert main(arguments) == 2
    assert "is not that of" in capsys.readouterr().err


def test_classes_of_frequency_are_counted_in_the_training_text(runs, tmp_path):
    """By hand: of ids 7, 9 and 9 in a validation text, 7 is five times in the training text, 9 never."""
    from lyceum.corpus import Corpus
    from lyceum.runs import frequency
    from lyceum.runs.summary import summarize

    ids = np.array([7, 9, 9], np.uint16)
    text = Corpus(np.array([7, 7, 7, 7, 7, 8], np.uint16), ids, "by hand")
    for name, losses in (("one", [1.0, 2.0]), ("other", [1.5, 4.0])):
        np.save(runs / name / LOSSES, np.array([[*losses, np.nan]], np.float32))
    shares = list(frequency.by_frequency(summarize(runs / "other"), summarize(runs / "one"), text))
    records = [(share.role, share.occurrences, share.tokens, share.loss, share.difference.value) for share in shares]
    assert records == [("read", "0", 1, 2.0, 2.0), ("read", "5 to 19", 1, 1.0, 0.5), ("predicted", "0", 2, 1.5, 1.25)]


def test_runs_that_cannot_be_paired_say_why(runs, capsys, tmp_path):
    def changed(name: str, change) -> str:
        shutil.copytree(runs / "one", runs / name)
        change(runs / name)
        return str(runs / name)

    def other_text(path):
        config = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps(config | {"data": config["data"] | {"val": "0"}}))

    folders = [
        changed("text", other_text),
        changed("shape", lambda path: np.save(path / LOSSES, np.load(path / LOSSES)[:-1])),
        changed("nan", lambda path: np.save(path / LOSSES, np.full_like(np.load(path / LOSSES), np.nan))),
        changed("absent", lambda path: (path / LOSSES).unlink()),
        str(runs / "stopped"),
    ]
    assert main(["compare", str(runs / "one"), *folders, "--out", str(tmp_path / "c.png")]) == 0
    page = capsys.readouterr().out
    for name, words in (
        ("text", "their validation texts differ"),
        ("shape", "their validation blocks differ in shape"),
        ("nan", "they have losses at different positions"),
        ("absent", "has no readable val_losses.npy"),
        ("stopped", "is not finished (stopped at 2 of 10,001)"),
    ):
        line = next(line for line in page.splitlines() if line.startswith(f"{name} cannot be paired with one: "))
        assert words in line


def test_what_cannot_be_compared_or_drawn_is_one_sentence(runs, capsys, tmp_path):
    one, picture = str(runs / "one"), str(tmp_path / "c.png")
    (runs / "other" / "metrics.jsonl").write_text('{"step": 0, "val_l')
    for arguments, status, words in (
        (["compare", one], 2, "two or more"),
        (["compare", one, str(runs / "damaged"), "--out", picture], 1, "cannot be read: config.json is damaged"),
        (["compare", one, str(runs / "other"), "--out", picture], 1, "has no evaluation yet"),
        (["compare", one, one, "--out", picture], 2, "is given twice"),
        (["compare", one, str(runs / "other"), "--data-dir", one], 2, "give --by-frequency too"),
        (["compare", one, str(runs / "older"), "--by-frequency", "--data-dir", str(tmp_path)], 2, str(tmp_path)),
        (["compare", one, str(runs / "older"), "--out", str(tmp_path / "no" / "c.png")], 1, "choose another --out"),
        (["plot", one, "--out", str(tmp_path / "no" / "c.png")], 1, "choose another --out"),
        (["plot", str(runs / "damaged")], 1, "cannot be read"),
    ):
        assert main(arguments) == status
        errors = capsys.readouterr().err
        assert words in errors and errors.startswith("lyceum: ") and errors.count("\n") == 1


@pytest.mark.parametrize("name", ["one", "stopped", "older"])
def test_the_loss_curve_of_a_run_in_any_state(runs, capsys, tmp_path, name):
    assert main(["plot", str(runs / name)]) == 0
    assert main(["plot", str(runs / name), "--out", str(tmp_path / "p.png")]) == 0
    assert capsys.readouterr().out == f"Wrote {runs / name / 'loss.png'}\nWrote {tmp_path / 'p.png'}\n"
    assert image.imread(tmp_path / "p.png").shape[:2] == (675, 1200)


def test_curves_of_long_runs_are_drawn_without_their_beginning(tmp_path):
    from lyceum.runs.figure import draw_validation

    history = [{"step": 100 * i, "val_loss": 4 + 6 * 0.5**i, "train_loss": 4.0} for i in range(101)]
    (tmp_path / "p.png").write_bytes(draw_validation({"a": history, "b": history[:50]}, "title"))
    assert image.imread(tmp_path / "p.png").std() > 0.05
