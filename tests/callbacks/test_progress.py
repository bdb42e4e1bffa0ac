"""Each epoch has a line that stays, on a terminal or not."""

import csv
import re
from pathlib import Path

import pytest

from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import Fit, fit_arguments, run_forked

LINES = ["--trainer.enable_progress_bar", "true"]
HEAD = ["epoch", "stages open", "train loss", "val loss", "val accuracy", "seconds"]
EPOCH = re.compile(r"^ *\d+/\d+  +(?:\d of \d|-)  .*$", re.MULTILINE)


def cells(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_the_lines_say_what_metrics_csv_holds(draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit(draw_folder(), *LINES, "--unfreezing.every_n_epochs", "1", epochs=2)
    printed = capsys.readouterr().out
    assert [cells(line) for line in printed.splitlines()].count(HEAD) == 1
    rows = [cells(line) for line in EPOCH.findall(printed)]
    with (run / "metrics.csv").open(newline="") as file:
        measured = list(csv.DictReader(file))
    for number, (row, values) in enumerate(zip(rows, measured, strict=True)):
        losses = [f"{float(values[name]):.3f}" for name in ("train/loss", "val/loss", "val/accuracy")]
        assert row[:5] == [f"{number}/1", f"{number + 1} of 6", *losses]
        assert float(row[5]) == pytest.approx(float(values["seconds"]), abs=0.3)
    assert "━" not in printed.partition("test split")[0], "a pipe gets no bar"
    assert "\x1b" not in printed


def test_an_epoch_without_validation_and_a_resumed_run(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    fit(root, *LINES, epochs=1)
    capsys.readouterr()
    fit(root, *LINES, "--ckpt_path", "last", "--trainer.check_val_every_n_epoch", "3", epochs=3)
    printed = capsys.readouterr().out
    assert [cells(line) for line in printed.splitlines()].count(HEAD) == 1
    rows = [cells(line) for line in EPOCH.findall(printed)]
    assert [row[0] for row in rows] == ["1/2", "2/2"]
    assert rows[0][3:5] == ["-", "-"], "not those of an earlier epoch"
    assert "-" not in rows[1]


@pytest.mark.slow
def test_of_several_ranks_one_prints(tmp_path: Path) -> None:
    root = draw_photos(tmp_path / "photos", 6, 2, ("left", "right"))
    arguments = [*fit_arguments(root, tmp_path, 2), *LINES, "--trainer.devices", "2", "--trainer.strategy", "ddp"]
    assert run_forked(*arguments, log=tmp_path / "log", ranks=2) == [0, 0]
    printed = (tmp_path / "log").read_text()
    assert [cells(line)[0] for line in EPOCH.findall(printed)] == ["0/1", "1/1"]
