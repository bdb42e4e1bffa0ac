"""CONTRIBUTING.md is true: each of its examples is put into a copy of the package, and used."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments

METRIC = "posture_classifier/metrics/scores.py, an entry of _METRICS"


def examples() -> dict[str, str]:
    """The Python examples of the page, by the place that their first line names."""
    page = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n# ([^\n]*)\n(.*?)```", page, re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has all examples, and photos."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(REPOSITORY / "posture_classifier", folder / "posture_classifier", ignore=shutil.ignore_patterns("__pycache__"))
    for place, code in examples().items():
        if place != METRIC:
            assert not (folder / place).exists(), "an addition is a new file"
            (folder / place).write_text(code, encoding="utf-8")
    scores = folder / "posture_classifier" / "metrics" / "scores.py"
    before, end, after = scores.read_text(encoding="utf-8").partition("\n]\nMETRICS")
    assert end, "the list of metrics ends there"
    scores.write_text(f"{before}\n{examples()[METRIC].rstrip()},{end}{after}", encoding="utf-8")
    photos = draw_photos(folder / "photos", 6, 2, ("left", "right"))
    Image.new("RGB", (90, 30), "grey").save(photos / "left" / "person0_wide.png")
    return folder


def run(folder: Path, *arguments: str) -> str:
    """Run the copy's command line; returns what it prints."""
    command = [sys.executable, "-m", "posture_classifier", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not re.search("error:|Traceback", done.stderr), done.stderr  # check has exit codes of its own
    return done.stdout


@pytest.mark.slow
def test_a_training_has_the_new_backbone_callback_and_metric(extended: Path) -> None:
    options = ["--model.backbone", "narrow_resnet", "--trainer.callbacks", "[{class_path: GradientNorm}]"]
    run(extended, *fit_arguments(extended / "photos", extended, 1), *options)
    folder = extended / "lightning_logs" / "photos" / "version_0"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["backbone"] == "narrow_resnet"
    assert summary["misses"]["value"] == pytest.approx(1 - summary["accuracy"]["value"])
    with (folder / "metrics.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["gradient_norm"]) > 0


@pytest.mark.slow
def test_the_backbones_command_knows_family_and_year(extended: Path) -> None:
    run(extended, "backbones", "narrow_resnet", "--image_size", "64", "--output", "costs.csv")
    with (extended / "costs.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["family"], row["year"]) == ("Narrow ResNet", "2015")


@pytest.mark.slow
def test_the_new_command_is_there(extended: Path) -> None:
    assert "classes" in run(extended, "--help")
    assert run(extended, "classes", "photos").splitlines() == ["left: 13", "right: 12"]


@pytest.mark.slow
def test_the_new_check_reports(extended: Path) -> None:
    run(extended, "check", "photos", "--group_pattern", r"person\d+", "--output", "report")
    found = json.loads((extended / "report" / "check.json").read_text())["findings"]
    assert [finding["photos"] for finding in found if finding["kind"] == "panoramas"] == [[["left/person0_wide.png"]]]


@pytest.mark.slow
def test_the_new_export_format_is_proven_and_opened(extended: Path) -> None:
    run(extended, *fit_arguments(extended / "photos", extended, 1), "--experiment", "exported")
    folder = extended / "lightning_logs" / "exported" / "version_0"
    run(extended, "export", str(folder), "--format", "gzipped")
    agreement = json.loads((folder / "export" / "gzipped" / "agreement.json").read_text())
    assert agreement["passed"]
    artifact = folder / "export" / "gzipped" / "model.gz"
    run(extended, "predict", str(artifact), "photos", "--output", "predictions.csv")
    with (extended / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 25
