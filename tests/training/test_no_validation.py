"""Training without validation photos: the last epoch counts, and nothing may be left to test."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.seen import photo_digests
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.runs.tables import read_curves
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import Fit, fit_arguments

WITHOUT = ("--data.val_fraction", "0", "--trainer.callbacks", "[{class_path: EarlyStoppingAfterUnfreezing}]")


def test_the_last_epoch_is_tested(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), *WITHOUT, "--report", "true", epochs=2)
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["split"], summary["splits"]["val"]["images"]) == ("test", 0)
    assert summary["splits"]["train"]["images"] + summary["images"] == 24
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["last.ckpt"]
    assert len(read_curves(run / "metrics.csv")) == 2
    assert not [name for name in read_curves(run / "metrics.csv")[0] if name.startswith("val/")]
    assert "data:image/jpeg" in (run / "report.html").read_text(), "the page finds the checkpoint"


@pytest.mark.slow
def test_a_network_of_all_photos_is_not_tested_on_them(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    run = fit(root, *WITHOUT, "--data.test_fraction", "0", "--report", "true")
    assert "nothing was evaluated" in capsys.readouterr().out
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["split"], summary["images"], summary["splits"]["train"]["images"]) == (None, 0, 24)
    assert not (run / "report.html").exists()
    checkpoint = run / "checkpoints" / "last.ckpt"
    seen = torch.load(checkpoint, weights_only=True)["PostureData"]
    assert sorted(seen["train"].tolist()) == sorted(photo_digests(read_folder(root)).tolist())

    renamed = tmp_path / "renamed"
    for path in sorted(root.rglob("*.png")):
        copy = renamed / path.parent.name / f"person{path.name[6:]}".replace("person", "person1")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for folder, fact in ((root, "trained on all photos"), (renamed, "used to train")):
        for command in ("test", "validate"):
            options = [*fit_arguments(folder, tmp_path / "again", 1)[1:], "--ckpt_path", str(checkpoint)]
            assert main([command, *options]) == 2
            error = capsys.readouterr().err
            assert fact in error
            assert error.count("\n") == 1
    others = draw_photos(tmp_path / "others", 5, 2, ("left", "right"), seed=1)
    assert main(["test", *fit_arguments(others, tmp_path, 1)[1:], "--ckpt_path", str(checkpoint)]) == 0

    capsys.readouterr()
    assert main(["report", str(run)]) == 2
    assert "was trained on all photos" in capsys.readouterr().err
    with pytest.raises(NotTestedError, match="trained on all photos"):
        read_tested_run(run)
