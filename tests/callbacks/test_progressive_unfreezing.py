"""What moves in which epoch, and what must not."""

import csv
from pathlib import Path

import pytest
import torch

from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.classifier import PostureClassifier
from tests.helpers.callbacks import RECORD, Recorder, moved
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


def moved_buffers(epoch: int) -> set[str]:
    before, after = Recorder.states[epoch], Recorder.states[epoch + 1]
    return {name for name in before if "running" in name and not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--unfreezing.open_stages", "{}"], [{"fc"}, {"fc"}, {"fc"}]),
        (["--unfreezing.every_n_epochs", "1"], [{"fc"}, {"fc", "layer4"}, {"fc", "layer4", "layer3"}]),
        (["--unfreezing.open_stages", "{1: 3}"], [{"fc"}, {"fc", "layer4", "layer3"}, {"fc", "layer4", "layer3"}]),
    ],
)
def test_only_open_stages_move_buffers_included(
    draw_folder: DrawFolder, fit: Fit, options: list[str], expected: list[set[str]]
) -> None:
    fit(draw_folder(), *RECORD, *options, epochs=3)
    assert [moved(epoch) for epoch in range(3)] == expected


def test_everything_moves_from_the_start_when_all_is_open(draw_folder: DrawFolder, fit: Fit) -> None:
    fit(draw_folder(), *RECORD, "--unfreezing.open_stages", "{0: all}", epochs=1)
    assert {"conv1", "layer1", "layer2", "layer3", "layer4", "fc"} <= moved(0)


@pytest.mark.parametrize(("option", "learns"), [("true", True), ("false", False), ("null", True)])
def test_statistics_of_open_norm_layers_move_only_if_wanted(draw_folder: DrawFolder, fit: Fit, option: str, learns: bool) -> None:
    fit(draw_folder(), *RECORD, "--unfreezing.open_stages", "{0: all}", "--unfreezing.batch_statistics", option)
    assert bool(moved_buffers(0)) == learns


def test_pretrained_statistics_are_kept_by_default(draw_folder: DrawFolder, fit: Fit, tmp_path: Path) -> None:
    root = draw_folder()
    weights = fit(root) / "checkpoints" / "last.ckpt"
    fit(root, *RECORD, "--unfreezing.open_stages", "{0: all}", "--model.weights", str(weights), version=1)
    assert moved_buffers(0) == set()
    assert "conv1" in moved(0)


def test_frozen_dropout_is_off_and_open_dropout_is_on() -> None:
    model = PostureClassifier(["a", "b"], backbone="test_efficientnet", pretrained=False, drop_rate=0.5).train()
    for name, parameter in model.backbone.named_parameters():
        parameter.requires_grad = name.startswith("classifier")
    set_modes(model.backbone, training=True, keep_statistics=True)
    training = {name for name, module in model.backbone.named_modules() if module.training}
    assert "classifier" in training
    assert not any(name.startswith(("blocks", "conv_stem", "bn1", "conv_head")) for name in training)


def test_early_stopping_waits_for_the_last_opening(draw_folder: DrawFolder, fit: Fit) -> None:
    stop = (
        "[{class_path: tests.helpers.callbacks.Recorder},"
        " {class_path: posture_classifier.callbacks.early_stopping.EarlyStopping, init_args: {patience: 1, min_delta: 100}}]"
    )
    fit(draw_folder(), "--trainer.callbacks", stop, "--unfreezing.open_stages", "{3: 2}", epochs=9)
    assert len(Recorder.states) == 1 + 5, (
        "epochs 0 to 3, where the stage opens and the metric is first looked at, and one of patience"
    )


def test_learning_rates_follow_stage_and_epoch(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), "--unfreezing.open_stages", "{0: all}", "--model.layer_decay", "0.5", epochs=2)
    with (run / "metrics.csv").open() as file:
        first, last = csv.DictReader(file)
    assert float(first["lr/layer4"]) == pytest.approx(0.5 * float(first["lr/head"]))
    assert float(first["lr/conv1"]) == pytest.approx(0.5**5 * float(first["lr/head"]))
    assert float(first["lr/head"]) == pytest.approx(0.5e-3)
    assert float(last["lr/head"]) == pytest.approx(0)


def test_a_single_batch_an_epoch_still_learns(draw_folder: DrawFolder, fit: Fit) -> None:
    fit(draw_folder(), *RECORD, "--data.batch_size", "64", "--unfreezing.warmup_epochs", "0", epochs=1)
    assert moved(0) == {"fc"}


def test_weight_decay_spares_norms_and_biases() -> None:
    model = PostureClassifier(["a", "b"], backbone="test_resnet", pretrained=False, weight_decay=0.1)
    groups = model.configure_optimizers().param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(model.backbone.parameters())), "every parameter, once"
    assert {(parameter.ndim > 1, group["weight_decay"]) for group in groups for parameter in group["params"]} == {
        (True, 0.1),
        (False, 0.0),
    }


def test_averaged_weights_can_be_switched_on(draw_folder: DrawFolder, fit: Fit) -> None:
    average = "[{class_path: lightning.pytorch.callbacks.EMAWeightAveraging, init_args: {decay: 0.5}}]"
    run = fit(draw_folder(), "--trainer.callbacks", average, "--unfreezing.open_stages", "{1: 2}", epochs=3)
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    averaged, current = checkpoint["state_dict"], checkpoint["current_model_state"]
    assert not torch.equal(averaged["backbone.fc.weight"], current["backbone.fc.weight"])
