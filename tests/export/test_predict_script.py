"""The script beside an artifact classifies photos where there is nothing of this program."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from posture_classifier import Classifier
from tests.export.test_exporting import many_kinds


def check_script(python: Path | str, options: list[str], folder: Path, run: Path, files: list[Path]) -> None:
    """Its lines are a classifier's labels and probabilities."""
    command = [str(python), *options, str(folder / "predict.py"), *map(str, files)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == len(files)
    for line, prediction in zip(lines, Classifier.load(run, "cpu", "fp32").predict(files), strict=True):
        path, label, *shares = line.split("\t")
        assert (path, label) == (prediction.path, prediction.label)
        assert prediction.probabilities
        assert [float(share) for share in shares] == pytest.approx([*prediction.probabilities.values()], abs=1e-4)


@pytest.mark.slow
def test_it_agrees_from_file_to_label(exported: Path, run: Path, photos: Path, tmp_path: Path) -> None:
    check_script(sys.executable, ["-P"], exported, run, [*many_kinds(tmp_path / "kinds"), *sorted(photos.rglob("*.png"))[:5]])


@pytest.mark.slow
def test_it_refuses_what_it_cannot_decode_alike(exported: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((40, 40), dtype=np.uint16)).save(tmp_path / "deep.png")
    done = subprocess.run(
        [sys.executable, str(exported / "predict.py"), str(tmp_path / "deep.png")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "more than 8 bits" in done.stderr


@pytest.mark.slow
def test_it_needs_three_packages_only(exported: Path, run: Path, tmp_path: Path) -> None:
    """In an environment that pip made of these three."""
    venv.create(tmp_path / "bare", with_pip=True)
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "onnxruntime", "numpy", "pillow"], check=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 1
    check_script(python, ["-I"], exported, run, many_kinds(tmp_path / "kinds"))
