"""The LightningModule: its loss."""

import pytest
import torch

from posture_classifier.models.classifier import PostureClassifier


def test_balanced_class_weights_make_classes_count_equally() -> None:
    model = PostureClassifier(["a", "b"], [30, 10], backbone="test_resnet", pretrained=False, class_weights="balanced")
    weights = model.loss_weights
    assert isinstance(weights, torch.Tensor)
    assert weights[0] * 30 == pytest.approx(float(weights[1] * 10))
    assert float((weights * weights.new_tensor([30, 10])).sum()) == pytest.approx(40)
