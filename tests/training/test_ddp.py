"""Two processes (gloo, CPU) train as one, through every phase."""

import csv
import json
from pathlib import Path

import pytest
import torch

from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments, run_forked, run_program

PHASES = "{1: 2, 2: all}"
# SGD, because Adam turns the rounding of a vanishing gradient into a whole step; float32, because
# bfloat16 rounds each rank's gradients to three digits before they are added.
OPTIONS = [
    *("--precision", "fp32"),
    *("--unfreezing.open_stages", PHASES, "--unfreezing.batch_statistics", "false"),
    *("--model.optimizer", "sgd", "--model.learning_rate", "0.05"),
]


@pytest.fixture
def equal_photos(draw_folder: DrawFolder) -> Path:
    """Training photos that both batch sizes divide, so that no rank gets a photo twice."""
    return draw_folder(people=10, each=2)


def test_two_ranks_hold_the_same_bits_send_no_frozen_gradient_and_train_as_one_process(tmp_path: Path, equal_photos: Path) -> None:
    one, two, probe = tmp_path / "one", tmp_path / "two", tmp_path / "probe.jsonl"
    assert main([*fit_arguments(equal_photos, one, 3), *OPTIONS, "--data.batch_size", "8"]) == 0
    callback = f"[{{class_path: tests.helpers.ddp_probe.Probe, init_args: {{file: '{probe}'}}}}]"
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.callbacks", callback]
    log = tmp_path / "log.txt"
    assert run_forked(*fit_arguments(equal_photos, two, 3), *OPTIONS, *devices, log=log, ranks=2) == [0, 0], log.read_text()
    assert "unused" not in log.read_text()

    epochs = [json.loads(line) for line in probe.read_text().splitlines()]
    assert [epoch["ranks"] for epoch in epochs] == [2, 2, 2]
    assert [epoch["difference"] for epoch in epochs] == [0, 0, 0]
    assert all(epoch["registered"] == epoch["trained"] for epoch in epochs)
    counts = [epoch["registered"][0] for epoch in epochs]
    assert counts[0] == 2, "weight and bias of the head"
    assert counts[0] < counts[1] < counts[2]

    runs = [folder / "lightning_logs" / equal_photos.name / "version_0" for folder in (one, two)]
    states = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run in runs]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=1e-5, msg=name)
    assert [path.name for path in runs[1].parent.iterdir()] == ["version_0"], "both ranks write into one folder"
    tested = [list(csv.DictReader((run / "test" / "predictions.csv").open())) for run in runs]
    assert [row["path"] for row in tested[1]] == [row["path"] for row in tested[0]], "each photo once"
    stored = [torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["evaluation"] for run in runs]
    assert stored[0]["photos"] == stored[1]["photos"]
    assert stored[1]["familiarity"]["threshold"] == pytest.approx(stored[0]["familiarity"]["threshold"], rel=1e-2)


@pytest.mark.slow
def test_a_run_of_two_ranks_is_resumed_with_one(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """A checkpoint does not depend on how many devices wrote it, nor on their feature cache."""
    root = draw_folder()
    result = run_program(*fit_arguments(root, tmp_path, 1), "--trainer.devices", "2", "--cache.enabled", "false")
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr, "of either rank"
    assert main([*fit_arguments(root, tmp_path, 3), *OPTIONS, "--model.optimizer", "adamw", "--ckpt_path", "last"]) == 0
    with (tmp_path / "lightning_logs" / root.name / "version_0" / "metrics.csv").open() as file:
        assert [row["stages_open"] for row in csv.DictReader(file)] == ["1", "2", "6"]
