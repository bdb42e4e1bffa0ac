"""Every network of the contract is exported and says the same of photos of any shape."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from posture_classifier import Classifier
from posture_classifier.export.agreement import compare, why_refused
from posture_classifier.export.artifact import ExportedClassifier
from posture_classifier.export.formats import load_format
from posture_classifier.export.metadata import build_metadata
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.models.classifier import PostureClassifier
from tests.helpers.networks import OURS
from tests.models.test_backbones import TIMMS, size_of

AVERAGING = [("tf_efficientnet_lite0", True), ("vit_tiny_patch16_224", True)]
SHAPES = [(64, 64), (91, 60), (60, 123), (300, 224), (33, 200)]


def pictures() -> list[Image.Image]:
    generator = np.random.default_rng(0)
    return [
        Image.fromarray(generator.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)).resize((width, height))
        for height, width in SHAPES
        for _ in range(3)
    ]


def batch_of_pictures(model: PostureClassifier) -> torch.Tensor:
    squares = [torch.from_numpy(model.preprocessing.square(image).copy()) for image in pictures()]
    return model.preprocessing.normalise(torch.stack(squares).permute(0, 3, 1, 2))


@torch.no_grad()
def rounding_error(model: PostureClassifier) -> float:
    """Largest difference in probability that float32 makes to the checkpoint itself."""
    batch, exact = batch_of_pictures(model), deepcopy(model.backbone).double()
    return float((model.backbone(batch).double().softmax(1) - exact(batch.double()).softmax(1)).abs().max())


@torch.no_grad()
def spread_out(model: PostureClassifier) -> None:
    """Make random weights tell photos apart, so that a fault would show."""
    for layer in model.backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    batch = batch_of_pictures(model)
    model.train()(batch)
    logits = model.eval()(batch)
    for parameter in model.backbone.get_classifier().parameters():  # type: ignore[operator]
        parameter.mul_(3 / logits.std().clamp(min=1e-3))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "averages"), [*((name, False) for name in OURS + TIMMS), *AVERAGING])
def test_an_exported_network_agrees(name: str, averages: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    size = size_of(name)
    model = PostureClassifier(["a", "b", "c"], backbone=name, pretrained=False, image_size=size, average_mirrored=averages)
    spread_out(model)
    classifier = Classifier(model, "cpu", "fp32")
    path = tmp_path / "model.onnx"
    load_format("onnx").write(PhotoGraph(classifier), build_metadata(classifier, {}), path)
    one, other = (
        np.array([[*prediction.probabilities.values()] for prediction in each.predict(pictures()) if prediction.probabilities])
        for each in (classifier, ExportedClassifier.load(path))
    )
    indices = np.arange(len(one))
    checkpoint, artifact = (Predictions(indices, one.argmax(1), values) for values in (one, other))
    found = compare(checkpoint, artifact, indices.astype(str), unseen=False)
    print(f"\n{name}: largest difference {found.largest_difference:.2g}, {path.stat().st_size / 1e6:.1f} MB")
    assert len(np.unique(one.round(3), axis=0)) > len(SHAPES), "photos differ"
    assert why_refused(found) is None
    # Random weights may magnify rounding: that of inception_v4 to 0.003 in torch alone.
    assert found.largest_difference < 1e-3 or found.largest_difference < 3 * rounding_error(model)
