"""What the README promises, on the bundled photos and with real launchers; mostly slow."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.data.folder import read_folder
from posture_classifier.images.decode import decode
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY, fit_arguments, run_program

PHOTOS = REPOSITORY / "data" / "turtle_neck"


def test_the_bundled_photos_are_what_their_readme_says() -> None:
    photos = read_folder(PHOTOS, r"subject-\d+")
    assert len(photos) == 720
    assert photos.classes == ("normal", "turtle_neck")
    assert len(set(photos.groups.tolist())) == 72
    assert np.bincount(photos.labels).tolist() == [360, 360]
    assert decode(photos.file(0)).size == (256, 256)
    with (PHOTOS / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == set(photos.paths.tolist())
    for row in rows:
        low, high = (54.0, 64.3) if row["label"] == "normal" else (30.0, 44.1)
        assert low <= float(row["cva_degrees"]) <= high


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demo_tells_people_it_has_never_seen(tmp_path: Path) -> None:
    result = run_program("fit", "--config", "configs/demo.yaml", "--trainer.default_root_dir", str(tmp_path))
    assert result.returncode == 0, result.stderr
    run = tmp_path / "lightning_logs" / "demo" / "version_0"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["accuracy"]["low"] > 0.8
    assert summary["groups"] >= 14
    for part in ("150 photos of 15 groups", "accuracy", "95 % interval", str(run / "checkpoints" / "best.ckpt")):
        assert part in result.stdout
    with (run / "split.csv").open() as file:
        sides = {(row["group"], row["split"]) for row in csv.DictReader(file)}
    assert len(sides) == 72, "every person on one side"


@pytest.mark.slow
def test_torchrun_starts_as_many_ranks_as_it_is_told(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "posture_classifier"]
    options = ["--config", str(REPOSITORY / "configs" / "ddp.yaml"), "--trainer.devices", "2"]
    command = [*launcher, *fit_arguments(root, tmp_path, 2), *options, "--unfreezing.every_n_epochs", "1"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    runs = tmp_path / "lightning_logs" / root.name
    assert [path.name for path in runs.iterdir()] == ["version_0"]
    assert json.loads((runs / "version_0" / "summary.json").read_text())["images"] == 4
