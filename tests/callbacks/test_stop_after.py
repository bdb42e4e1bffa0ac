"""A training that stops early has the epochs of the longer one."""

from pathlib import Path

import torch

from posture_classifier.runs.tables import read_curves
from tests.helpers.callbacks import Recorder
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


def test_its_epochs_are_those_of_the_whole_schedule(draw_folder: DrawFolder, fit: Fit) -> None:
    root, recorder = draw_folder(), "tests.helpers.callbacks.Recorder"
    whole = fit(root, "--trainer.callbacks", f"[{recorder}]", epochs=4)
    states = list(Recorder.states)
    stop = "{class_path: StopAfter, init_args: {epochs: 2}}"
    run = fit(root, "--trainer.callbacks", f"[{recorder}, {stop}]", epochs=4, version=1)
    assert len(Recorder.states) == 3, "the start and two epochs"
    for ours, theirs in zip(Recorder.states, states, strict=False):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert rates(run) == rates(whole)[:2], "they fall as if all four were trained"
    assert rates(whole)[1] > rates(whole)[2]
    fit(root, "--trainer.callbacks", f"[{recorder}, {stop}]", "--ckpt_path", "last", epochs=4)
    assert len(read_curves(run / "metrics.csv")) == 2, "a resumed run that has had all epochs trains no more"


def rates(run: Path) -> list[float]:
    return [float(row["lr/head"]) for row in read_curves(run / "metrics.csv")]
