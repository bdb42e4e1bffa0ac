"""What fine-tuning changed is taken back where that was no good for the validation photos."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.runs.tables import read_curves
from posture_classifier.training.interpolation import choose_share
from tests.helpers.callbacks import Recorder
from tests.helpers.photos import DrawFolder
from tests.helpers.program import EXACT, SGD, Fit, assert_same_weights, fit_arguments, run_forked

SOLVED = ("--model.head_solver", "lbfgs", "--unfreezing.open_stages", "{0: 2}", *EXACT)
RUINOUS = (*SOLVED, *SGD, "--model.weight_decay", "1")
"""Every step makes all weights smaller."""


def interpolation(run: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads((run / "summary.json").read_text())["interpolation"]
    return found


def weights(run: Path, checkpoint: str) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = read_checkpoint(run / "checkpoints" / checkpoint)["state_dict"]
    return {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}


def test_all_is_kept_unless_less_is_better_by_more_than_chance() -> None:
    people = np.array(["anna", "anna", "ben", "ben", "carla", "carla"])
    all_kept = np.full(6, 0.4)
    by_one_person = np.array([0.0, 0.0, 0.4, 0.4, 0.5, 0.5])
    assert choose_share({1.0: all_kept, 0.5: by_one_person}, people) == 1
    assert choose_share({1.0: all_kept, 0.5: by_one_person - 0.2}, people) == 0.5
    better = np.array([0.1, 0.1, 0.2, 0.2, 0.1, 0.1])
    assert choose_share({1.0: all_kept, 0.5: better, 0.0: better - [0.1, 0.1, -0.1, -0.1, 0.0, 0.0]}, people) == 0.5
    assert choose_share({1.0: all_kept, 0.0: all_kept}, people) == 1
    # The same photos of six people are more to go by.
    assert choose_share({1.0: all_kept, 0.5: by_one_person}, np.array([*"abcdef"])) == 0.5


def test_less_is_kept_where_that_is_better_for_validation_photos(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(draw_folder(), *RUINOUS, epochs=2)
    chosen = interpolation(run)
    assert chosen is not None
    losses = {float(share): loss for share, loss in chosen["log_losses"].items()}
    assert losses[1] == pytest.approx(min(float(row["val/loss"]) for row in read_curves(run / "metrics.csv")), rel=1e-3)
    assert losses[chosen["share"]] < losses[1], "this fine-tuning does harm"
    validated = read_prediction_table(run / "val" / "predictions.csv").predictions
    of_label = validated.probabilities[range(len(validated.labels)), validated.labels]
    assert float(-torch.from_numpy(of_label).log().mean()) == pytest.approx(losses[chosen["share"]], rel=1e-2)
    assert f"kept {chosen['share']:.0%} of what fine-tuning changed" in capsys.readouterr().out


def test_a_run_that_had_ended_stays_as_it_is(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root, *RUINOUS, epochs=2)
    before, chosen = weights(run, "best.ckpt"), interpolation(run)
    assert fit(root, *RUINOUS, "--ckpt_path", "last", epochs=2) == run
    assert interpolation(run) == chosen
    after = weights(run, "best.ckpt")
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_resumed_run_begins_between_the_same_networks(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    whole = fit(root, *RUINOUS, epochs=2)
    stop = "[{class_path: StopAfter, init_args: {epochs: 1}}]"
    run = fit(root, *RUINOUS, "--trainer.callbacks", stop, epochs=2, version=1)
    assert fit(root, *RUINOUS, "--ckpt_path", "last", epochs=2, version=1) == run
    assert interpolation(run) == interpolation(whole)
    assert_same_weights(run, whole, tolerance=0)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_a_share_that_is_given_lies_between_the_networks(draw_folder: DrawFolder, fit: Fit, share: float) -> None:
    given = [f"{{class_path: InterpolateWeights, init_args: {{share: {share}}}}}", "tests.helpers.callbacks.Recorder"]
    run = fit(draw_folder(), *RUINOUS, "--data.val_fraction", "0", "--trainer.callbacks", f"[{', '.join(given)}]", epochs=2)
    assert interpolation(run) == {"share": share, "log_losses": {}}
    start, end, found = Recorder.states[0], Recorder.states[-1], weights(run, "last.ckpt")
    del found["fc.weight"], found["fc.bias"]  # the head was solved after the start was recorded
    for name, value in found.items():
        torch.testing.assert_close(value, torch.lerp(start[name], end[name], share) if value.is_floating_point() else end[name])
    assert any(not torch.equal(start[name], end[name]) for name in found)


@pytest.mark.parametrize(
    "options",
    [
        ("--unfreezing.open_stages", "{0: 2}"),
        ("--model.head_solver", "lbfgs"),
        (*SOLVED, "--data.val_fraction", "0"),
    ],
)
def test_nothing_is_chosen_without_a_solved_head_that_learns_on(
    draw_folder: DrawFolder, fit: Fit, options: tuple[str, ...]
) -> None:
    run = fit(draw_folder(), *options, epochs=2)
    assert interpolation(run) is None
    last = read_checkpoint(run / "checkpoints" / "last.ckpt")
    kept = last["callbacks"]["InterpolateWeights"]["start"]
    assert bool(kept) == ("--data.val_fraction" in options)
    assert "interpolation" not in last


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_a_share_out_of_range_is_refused(draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str], share: str) -> None:
    given = f"[{{class_path: InterpolateWeights, init_args: {{share: {share}}}}}]"
    fit(draw_folder(), "--trainer.callbacks", given.replace("nan", ".nan"), code=2)
    assert "share" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backbone.fc.weight", torch.zeros(3, 3)),
        ("backbone.fc.weight", None),
        ("backbone.fc.bias", torch.tensor([0.0, torch.nan])),
        ("another", torch.zeros(1)),
    ],
)
def test_a_start_that_was_changed_is_refused(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str], name: str, value: torch.Tensor | None
) -> None:
    root = draw_folder()
    run = fit(root, *RUINOUS)
    last = run / "checkpoints" / "last.ckpt"
    content = read_checkpoint(last)
    content["callbacks"]["InterpolateWeights"]["start"][name] = value
    torch.save(content, last)
    capsys.readouterr()
    fit(root, *RUINOUS, "--ckpt_path", "last", epochs=2, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert "InterpolateWeights.start" in line


@pytest.mark.slow
def test_two_ranks_take_the_share_that_the_first_chose(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root, log = draw_folder(people=10, each=2), tmp_path / "log.txt"
    devices = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
    assert run_forked(*fit_arguments(root, tmp_path, 2), *RUINOUS, *devices, log=log, ranks=2) == [0, 0], log.read_text()
    run = tmp_path / "lightning_logs" / root.name / "version_0"
    chosen = interpolation(run)
    assert chosen is not None
    assert chosen["share"] < 1
    tested = json.loads((run / "summary.json").read_text())
    assert main(["test", "--ckpt_path", str(run / "checkpoints" / "best.ckpt"), *fit_arguments(root, tmp_path, 2)[1:], *EXACT]) == 0
    again = json.loads((run.parent / "version_1" / "summary.json").read_text())
    assert again["log_loss"]["value"] == pytest.approx(tested["log_loss"]["value"], rel=1e-3), "all ranks tested these weights"
