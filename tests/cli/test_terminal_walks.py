"""The whole program on terminals of 80 and 120 columns, as people see it."""

import re
from pathlib import Path

import pytest

from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments
from tests.helpers.terminal import screen, walk

BAR = "━" * 5
ROOT, OUTPUT = Path("photos"), Path()
"""Relative to the test's folder, whose own path is longer than a line."""


def test_the_screen_is_that_of_a_terminal() -> None:
    assert screen("one\r\ntwo\rT\r\n", 80) == (["one", "Two", ""], [])
    assert screen("abcdef", 4) == (["abcd", "ef"], ["abcd"])
    assert screen("bar\r\x1b[2Kline\r\nbar\r\n\x1b[1A\x1b[2Knext", 80) == (["line", "next", ""], [])


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 120])
def test_a_training(tmp_path: Path, columns: int) -> None:
    draw_photos(tmp_path / ROOT, 4, 2, ("left", "right"))
    arguments = [*fit_arguments(ROOT, OUTPUT, 3), "--trainer.enable_progress_bar", "true", "--verbose", "true"]
    seen = walk(*arguments, "--unfreezing.every_n_epochs", "1", columns=columns, folder=tmp_path)
    assert seen.code == 0
    assert seen.raw.startswith("fit: ")
    assert "fit: starting" not in seen.text, "it is gone once there is more to say"
    assert not seen.divided
    # Lines that were printed while a bar ran are whole, in order, and no bar is left among them.
    begun = next(number for number, line in enumerate(seen.lines) if line.startswith("epoch  "))
    epochs = [number for number, line in enumerate(seen.lines) if re.match(r" *\d/2  ", line)]
    ended = next(number for number, line in enumerate(seen.lines) if line.startswith("test split"))
    assert begun < epochs[0] < epochs[1] < epochs[2] < ended
    assert sum(line.startswith("from epoch ") for line in seen.lines[:ended]) == 3
    assert "Epoch 2/2" in seen.raw
    assert not any(BAR in line for line in seen.lines[:ended])
    assert "Testing" not in seen.text
    assert seen.text.count("too few") == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and a run that tests several people."""
    folder = tmp_path_factory.mktemp("trained")
    draw_photos(folder / ROOT, 6, 2, ("left", "right"))
    seen = walk(*fit_arguments(ROOT, OUTPUT, 1), "--data.test_fraction", "0.4", columns=80, folder=folder)
    assert (seen.code, seen.divided) == (0, [])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "photos", "--group_pattern", r"person\d"], 2),
        (["compare", "lightning_logs/photos/version_0"], 0),
        (["backbones", "test_resnet"], 0),
        (["predict", "lightning_logs/photos/version_0/checkpoints/best.ckpt", "photos/left"], 0),
        (["fit", "--help"], 0),
        (["fit", "--help", "all"], 0),
        (["fit", "photos", "--data.group_pattern", "nobody|nothing|something", "--data.batchsize", "4"], 2),
    ],
)
def test_other_commands(trained: Path, arguments: list[str], code: int) -> None:
    seen = walk(*arguments, columns=80, folder=trained)
    assert (seen.code, seen.divided) == (code, [])
    assert "starting" not in seen.lines[0]
    assert not any(BAR in line and "┏" not in line and "┡" not in line for line in seen.lines)
