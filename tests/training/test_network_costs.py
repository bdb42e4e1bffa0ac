"""What W&B is told of a network, beside what the other commands say of it."""

from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch

from posture_classifier.training import network_costs
from posture_classifier.training.network_costs import training_costs

DATA: Any = SimpleNamespace(class_names=["left", "right"], batch_size=2)


def model_of(name: str) -> Any:
    with torch.device("meta"):
        backbone = timm.create_model(name, num_classes=2)
    return SimpleNamespace(backbone=backbone, hparams={"backbone": name}, preprocessing=SimpleNamespace(image_size=64))


def test_they_are_those_of_backbones_and_compare() -> None:
    model = model_of("googlenet")
    told = training_costs(model, DATA)
    assert told["parameters"] == 6_624_904 - 998 * 1025, "the published network's, for two classes in place of 1,000"
    assert told["parameters"] < sum(parameter.numel() for parameter in model.backbone.parameters())
    assert told["multiply_adds"] > told["parameters"]
    assert told["training_bytes"] > told["inference_bytes"] > 4 * told["parameters"]


def test_what_cannot_be_counted_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_costs, "count_costs", lambda *_: 1 / 0)
    assert training_costs(model_of("test_resnet"), DATA) == {}
