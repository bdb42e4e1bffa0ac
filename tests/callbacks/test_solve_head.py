"""The head is solved before the first step, and nothing moves it before another stage opens."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.models.linear_head import LogisticRegression
from posture_classifier.runs.tables import read_curves
from tests.helpers.callbacks import RECORD, Recorder, moved
from tests.helpers.photos import DrawFolder
from tests.helpers.program import EXACT, SGD, Fit, assert_same_weights, fit_arguments, run_forked

DISTILLED = "deit_tiny_distilled_patch16_224"
SOLVED = ("--model.head_solver", "lbfgs", *EXACT)


def solution(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())["solved_head"]
    return found


def head_after(epoch: int) -> torch.Tensor:
    return Recorder.states[epoch + 1]["fc.weight"]


@pytest.mark.parametrize("head", ["last_stage", "all_stages"])
def test_a_network_that_stays_frozen_is_trained_in_one_epoch(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str], head: str
) -> None:
    """Dropout, label smoothing and weight decay are those of a training with steps."""
    options = ("--model.drop_rate", "0.5", "--model.label_smoothing", "0.1", "--model.class_weights", "balanced")
    run = fit(draw_folder(), *SOLVED, *RECORD, *options, "--model.head", head, epochs=5)
    (row,) = read_curves(run / "metrics.csv")
    assert moved(0) == {"fc"}
    assert float(row["lr/head"]) == 0
    solved = solution(run)
    assert solved["chosen_by"] == "validation"
    assert float(row["val/loss"]) == pytest.approx(solved["log_loss"], rel=1e-4), "the network answers as the solved head does"
    assert capsys.readouterr().out.count("no stage opens") == 1


def test_nothing_moves_a_solved_head_before_another_stage_opens(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    fit(root, *SOLVED, *RECORD, "--unfreezing.open_stages", "{2: 2}", epochs=3)
    assert [moved(epoch) for epoch in range(3)] == [{"fc"}, set(), {"fc", "layer4"}]
    solved = head_after(0)
    fit(root, *SOLVED, *RECORD, "--unfreezing.open_stages", "{0: 2}", *SGD, "--model.learning_rate", "1e-6", version=1)
    assert moved(0) == {"fc", "layer4"}
    torch.testing.assert_close(head_after(0), solved, rtol=1e-2, atol=1e-2)


def test_the_optimizer_remembers_nothing_of_a_solved_head(draw_folder: DrawFolder, fit: Fit) -> None:
    """Its gradients are next to nothing, and AdamW would divide the first real ones by them."""
    run = fit(draw_folder(), *SOLVED, "--unfreezing.open_stages", "{2: 2}", epochs=2)
    (optimizer,) = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["optimizer_states"]
    assert optimizer["state"] == {}


def test_where_fine_tuning_makes_it_worse_the_solved_head_is_tested(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    frozen = fit(root, *SOLVED)
    tuned = fit(root, *SOLVED, "--unfreezing.open_stages", "{1: 2}", "--model.learning_rate", "0.1", epochs=2, version=1)
    solved, worse = (float(row["val/loss"]) for row in read_curves(tuned / "metrics.csv"))
    assert worse > solved
    one, other = ((run / "test" / "predictions.csv").read_text() for run in (frozen, tuned))
    assert one == other


@pytest.mark.slow
def test_the_same_head_is_found_without_the_cache_and_with_cached_views(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root, *SOLVED)
    assert_same_weights(run, fit(root, *SOLVED, "--cache.enabled", "false", version=1), tolerance=1e-3)
    assert_same_weights(run, fit(root, *SOLVED, "--cache.views", "2", "--data.augmentation", "null", version=2), tolerance=1e-3)


def test_without_validation_photos_groups_of_training_photos_choose(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), *SOLVED, "--data.val_fraction", "0", epochs=4)
    assert solution(run)["chosen_by"] == "folds"
    assert len(read_curves(run / "metrics.csv")) == 1


def test_a_resumed_run_does_not_solve_again(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    root, options = draw_folder(), (*SOLVED, "--unfreezing.open_stages", "{1: 2}")
    whole = fit(root, *options, epochs=3)
    stop = "[{class_path: StopAfter, init_args: {epochs: 1}}]"
    run = fit(root, *options, "--trainer.callbacks", stop, epochs=3, version=1)
    with monkeypatch.context() as patch:
        patch.delattr(LogisticRegression, "path")
        assert fit(root, *options, "--ckpt_path", "last", epochs=3, version=1) == run
    assert_same_weights(run, whole, tolerance=0)
    assert solution(run) == solution(whole)


@pytest.mark.slow
def test_a_finished_run_says_how_to_go_on(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    run = fit(root, *SOLVED, epochs=5)
    again = [*fit_arguments(root, tmp_path, 5), *SOLVED, "--ckpt_path", "last"]
    capsys.readouterr()
    assert main(again) == 0
    assert len(read_curves(run / "metrics.csv")) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("nothing is left to train"))
    assert main([*again, *shlex.split(line.partition("add: ")[2])]) == 0
    assert [row["stages_open"] for row in read_curves(run / "metrics.csv")] == ["1", *["6"] * 5]


@pytest.mark.parametrize(
    ("options", "free", "sentence"),
    [
        (
            ("--model.backbone", "deit_tiny_distilled_patch16_224", "--model.image_size", "224"),
            10**12,
            "unlike deit_tiny_distilled",
        ),
        ((), 0, "are free; leave it out"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_one_sentence(
    draw_folder: DrawFolder,
    fit: Fit,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    free: int,
    sentence: str,
) -> None:
    monkeypatch.setattr("posture_classifier.callbacks.solve_head.available_memory", lambda: free)
    fit(draw_folder(), *SOLVED, *options, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


@pytest.mark.slow
def test_two_ranks_take_the_head_of_one(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root, probe, log = draw_folder(people=10), tmp_path / "probe.jsonl", tmp_path / "log.txt"
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*fit_arguments(root, one, 1), *SOLVED]) == 0
    callback = f"[{{class_path: tests.helpers.ddp_probe.Probe, init_args: {{file: '{probe}'}}}}]"
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.callbacks", callback]
    assert run_forked(*fit_arguments(root, two, 4), *SOLVED, *devices, log=log, ranks=2) == [0, 0], log.read_text()
    assert [json.loads(line)["difference"] for line in probe.read_text().splitlines()] == [0], "the ranks hold the same bits"
    first, second = (folder / "lightning_logs" / root.name / "version_0" for folder in (one, two))
    assert_same_weights(first, second, tolerance=1e-4)


@pytest.mark.slow
def test_a_solved_head_learns_from_mirror_images_where_the_network_averages_over_them(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root, *SOLVED, "--model.average_mirrored", "true")
    (row,) = read_curves(run / "metrics.csv")
    assert float(row["val/loss"]) == pytest.approx(solution(run)["log_loss"], rel=1e-4)
    again = fit(root, *SOLVED, "--model.average_mirrored", "true", "--cache.enabled", "false", version=1)
    assert solution(again)["log_loss"] == pytest.approx(solution(run)["log_loss"], rel=0.01)
    plain = fit(root, *SOLVED, version=2)
    assert solution(plain)["log_loss"] != pytest.approx(solution(run)["log_loss"], rel=0.01)
