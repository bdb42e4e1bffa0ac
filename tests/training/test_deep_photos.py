"""A training on photos of more than 8 bits, and all that uses its checkpoint."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from posture_classifier import Classifier, PostureData
from posture_classifier.check.run_checks import run_checks
from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import read_checkpoint
from tests.helpers.photos import DrawFolder, deepen
from tests.helpers.program import EXACT, Fit, fit_arguments


@pytest.fixture
def deep_folders(draw_folder: DrawFolder) -> dict[str, Path]:
    """The same grey photos in 8 bits, 12 bits and as floating-point numbers."""
    drawn = draw_folder("drawn")
    folders = {kind: drawn.with_name(kind.replace(" ", "_")) for kind in ("8 bits", "12 bits", "floats")}
    for photo in drawn.rglob("*.png"):
        for kind, folder in folders.items():
            path = folder / photo.relative_to(drawn)
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = Image.open(photo).convert("L")
            grey.save(path) if kind == "8 bits" else deepen(grey, kind, path)
    return folders


def predictions(run: Path) -> dict[str, list[float]]:
    with (run / "test" / "predictions.csv").open(newline="") as file:
        return {Path(row["path"]).stem: [float(row["left"]), float(row["right"])] for row in csv.DictReader(file)}


def white_of(run: Path) -> Any:
    return read_checkpoint(run / "checkpoints" / "best.ckpt")["hyper_parameters"]["preprocessing"]["white"]


def test_the_same_photos_give_the_same_results(deep_folders: dict[str, Path], fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    runs, said = {}, {}
    for kind, folder in deep_folders.items():
        runs[kind] = fit(folder, *EXACT)
        said[kind] = capsys.readouterr().out
    assert white_of(runs["12 bits"]) == [4095, 1]
    assert white_of(runs["floats"]) == white_of(runs["8 bits"]) == [65535, 1]
    assert "white is 4095" in said["12 bits"]
    assert "white is 1" in said["floats"]
    assert "white" not in said["8 bits"]
    assert predictions(runs["8 bits"]) == predictions(runs["12 bits"]) == predictions(runs["floats"])


def test_the_checkpoint_says_what_is_white_whatever_the_photos(
    deep_folders: dict[str, Path], fit: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = deep_folders["12 bits"]
    run = fit(root, *EXACT)
    checkpoint = run / "checkpoints" / "best.ckpt"
    tested = predictions(run)
    files = [str(next(root.rglob(f"{name}.png"))) for name in tested]
    classifier = Classifier.load(checkpoint, precision="fp32", calibrated=False)
    for prediction, expected in zip(classifier.predict(files), tested.values(), strict=True):
        assert list((prediction.probabilities or {}).values()) == pytest.approx(expected, abs=1e-6)
    # Another photo with brighter values changes the scale of a new training only.
    Image.fromarray(np.full((40, 40), 60_000, dtype=np.uint16)).save(root / "left" / "person0_9.png")
    assert PostureData(str(root), group_pattern=r"person\d+").white_levels == [65535, 1]
    capsys.readouterr()
    assert main([*fit_arguments(root, tmp_path, 2), *EXACT, "--ckpt_path", str(run / "checkpoints" / "last.ckpt")]) == 0
    assert "white is 4095" in capsys.readouterr().out
    assert white_of(run) == [4095, 1]


def test_check_names_them_and_their_white(deep_folders: dict[str, Path]) -> None:
    for kind, white in (("12 bits", 4095), ("8 bits", None), ("floats", 65535)):
        found = [f for f in run_checks(deep_folders[kind], None, lambda *_: None).findings if f.kind == "more_than_8_bits"]
        assert [finding.values["integer"] for finding in found] == ([] if white is None else [white])
        assert all(len(finding.photos) == 24 for finding in found)


def test_a_scan_of_another_scale_is_not_taken_from_the_cache(deep_folders: dict[str, Path]) -> None:
    root = deep_folders["12 bits"]

    def brightness() -> float:
        from posture_classifier.data.scan.scan import scan_photos

        return scan_photos(sorted(root.rglob("person*.png")), lambda *_: None).facts[0].brightness

    first = brightness()
    Image.fromarray(np.full((40, 40), 60_000, dtype=np.uint16)).save(root / "right" / "person9.png")
    assert brightness() == pytest.approx(first * 4095 / 65535, abs=1)
    (root / "right" / "person9.png").unlink()
    assert brightness() == first


def test_a_crop_of_another_size_is_refused_before_the_first_epoch(
    draw_folder: DrawFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    for size, code in ((32, 0), (64, 2)):
        crop = [{"class_path": "albumentations.RandomResizedCrop", "init_args": {"size": [size, size]}}]
        assert main([*fit_arguments(root, tmp_path, 1), "--data.augmentation", json.dumps(crop)]) == code
    assert "64 x 64" in capsys.readouterr().err
