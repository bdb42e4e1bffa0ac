"""Mirror averaging is on exactly where the network stays frozen and its augmentation flips."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.cli.program import main
from posture_classifier.data.module import PostureData
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.training.mirror_choice import decide_mirror_averaging
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments

FLIP = {"class_path": "albumentations.HorizontalFlip", "init_args": {"p": 0.5}}
NESTED = {"class_path": "albumentations.OneOf", "init_args": {"transforms": [FLIP]}}
NEVER = {"class_path": "albumentations.HorizontalFlip", "init_args": {"p": 0.0}}


@pytest.mark.parametrize(
    ("augmentation", "open_stages", "wanted", "averages"),
    [
        pytest.param(None, None, None, True, id="default"),
        pytest.param([FLIP], None, None, True, id="flip"),
        pytest.param([NESTED], None, None, True, id="nested"),
        pytest.param([NEVER], None, None, False, id="never"),
        pytest.param([], None, None, False, id="none"),
        pytest.param(None, {0: 2}, None, False, id="fine-tuned"),
        pytest.param(None, {9: 2}, None, False, id="opens in the last epoch"),
        pytest.param(None, {10: 2}, None, True, id="opens after the end"),
        pytest.param(None, None, False, False, id="unwanted"),
        pytest.param([], {0: 2}, True, True, id="asked for"),
    ],
)
def test_it_is_decided_by_what_is_trained(
    augmentation: Any, open_stages: Any, wanted: bool | None, averages: bool, tmp_path: Path
) -> None:
    model = PostureClassifier(["a", "b"], backbone="test_resnet", pretrained=False, average_mirrored=wanted)
    unfreezing = ProgressiveUnfreezing(open_stages=open_stages)
    trainer = Trainer(max_epochs=10, accelerator="cpu", logger=False, callbacks=[unfreezing], default_root_dir=tmp_path)
    decide_mirror_averaging(model, PostureData("photos", augmentation=augmentation), trainer)
    assert model.hparams["average_mirrored"] is averages


def test_a_resumed_run_keeps_it_without_a_warning(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=4)
    flips = ["--data.augmentation", "null"]
    assert main([*fit_arguments(root, tmp_path, 1), *flips]) == 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert main([*fit_arguments(root, tmp_path, 2), *flips, "--ckpt_path", "last"]) == 0
    assert not [each for each in caught if "not used" in str(each.message)]
    last = tmp_path / "lightning_logs" / root.name / "version_0" / "checkpoints" / "last.ckpt"
    assert read_checkpoint(last)["hyper_parameters"]["average_mirrored"] is True
