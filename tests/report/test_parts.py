"""Temperature, thresholds, curves and Grad-CAM, by hand and against references."""

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import precision_recall_curve, roc_curve
from torch import Tensor
from torch.nn.functional import cross_entropy

import posture_classifier.models.backbones
from posture_classifier.metrics.intervals import estimate_share, wilson_interval
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.metrics.thresholds import evaluate_alarm, operating_points, recall_threshold
from posture_classifier.models.grad_cam import grad_cam
from posture_classifier.utils.types import Floats

assert posture_classifier.models.backbones, "imported for the names that it registers"


def softmax(logits: Floats) -> Floats:
    shares: Floats = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return shares


def drawn(n: int, classes: int, by: float, seed: int = 0) -> Predictions:
    """Labels that follow their probabilities, and a network that multiplies its logits by a number."""
    generator = np.random.default_rng(seed)
    logits = 2 * generator.standard_normal((n, classes))
    labels = np.array([generator.choice(classes, p=row) for row in softmax(logits)])
    return Predictions(np.arange(n), labels, softmax(by * logits))


@pytest.mark.parametrize(("classes", "planted"), [(2, 2.0), (5, 3.0), (3, 0.5)])
def test_a_planted_temperature_is_found_again(classes: int, planted: float) -> None:
    assert fit_temperature(drawn(20_000, classes, planted)) == pytest.approx(planted, rel=0.05)


@given(st.integers(0, 1000), st.integers(2, 5), st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=20, deadline=None)
def test_the_temperature_is_that_of_least_log_loss(seed: int, classes: int, by: float) -> None:
    predictions = drawn(60, classes, by, seed)
    found = fit_temperature(predictions)
    assert found is not None, "sixty photos with such labels are not all right"
    best = minimize_scalar(lambda log: rescale(predictions, np.exp(log)).log_loss, bounds=np.log([0.05, 20]), method="bounded")
    assert rescale(predictions, found).log_loss <= best.fun + 1e-7
    assert rescale(predictions, found).log_loss <= predictions.log_loss + 1e-12
    assert (rescale(predictions, found).predicted == predictions.predicted).all(), "what it says stays the same"


def test_the_temperature_in_closed_form() -> None:
    """Always 0.99 sure and right for 9 of 10: the logit is to become that of 0.9."""
    probabilities = np.tile([0.99, 0.01], (10, 1))
    found = fit_temperature(Predictions(np.arange(10), np.array([1] + 9 * [0]), probabilities))
    assert found == pytest.approx(np.log(0.99 / 0.01) / np.log(0.9 / 0.1))
    assert fit_temperature(Predictions(np.arange(10), np.zeros(10, dtype=np.int64), probabilities)) is None, (
        "all right: no least loss"
    )


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]))
@settings(max_examples=30, deadline=None)
def test_a_threshold_catches_what_was_asked_for_and_no_lower_one_is_needed(seed: int, recall: float) -> None:
    predictions = drawn(40, 3, 1.0, seed)
    scores = predictions.probabilities[predictions.labels == 1, 1]
    if len(scores):
        at = recall_threshold(predictions, 1, recall)
        assert (scores >= at).mean() >= recall - 1e-9
        assert (scores > at).mean() < recall


def test_what_an_alarm_does() -> None:
    probabilities = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.1])
    predictions = Predictions(np.arange(6), np.array([1, 1, 1, 0, 0, 0]), np.stack([1 - probabilities, probabilities], 1))
    alone = np.array(list("abcdef"))
    assert recall_threshold(predictions, 1, 0.6) == 0.8
    assert recall_threshold(predictions, 1, 0.95) == 0.3
    result = evaluate_alarm(predictions, alone, 1, at=0.3)
    assert (result.recall.value, result.precision.value) == (1, 0.75)
    assert result.false_alarms == wilson_interval(1 / 3, 3), "every photo stands alone"
    never = evaluate_alarm(predictions, alone, 1, at=0.95)
    assert (never.recall.value, never.precision.value) == (0, None)
    two_people = estimate_share(np.array([True, True, False, False]), np.array(["a", "a", "b", "b"]))
    assert two_people.low is not None
    assert two_people.low < (wilson_interval(0.5, 4).low or 0), "four photos of two people tell less than four of four"


def test_curves_are_scikit_learns() -> None:
    scores = np.random.default_rng(0).integers(0, 20, 100) / 20
    positive = np.random.default_rng(1).random(100) < scores
    points = operating_points(scores, positive)
    false_alarms, recall, _ = roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(np.stack([points.false_alarms, points.recall]), np.stack([false_alarms[1:], recall[1:]]))
    precision, recall, _ = precision_recall_curve(positive, scores)
    np.testing.assert_allclose(np.stack([points.precision, points.recall]), np.stack([precision[:-1], recall[:-1]])[:, ::-1])


def planted(n: int, side: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise with a red or a blue square somewhere, which decides the class, and where it is."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = torch.randn(n, 3, side, side, generator=generator) / 2, torch.arange(n) % 2
    inside = torch.zeros(n, side, side, dtype=torch.bool)
    square = side // 4
    for i, (top, left) in enumerate(torch.randint(0, side - square, (n, 2), generator=generator).tolist()):
        inside[i, top : top + square, left : left + square] = True
        colour = torch.tensor([2.0, -1, -1] if labels[i] else [-1.0, -1, 2])
        images[i][:, inside[i]] = colour[:, None]
    return images, labels, inside


@pytest.mark.parametrize(
    ("name", "side", "options", "steps"),
    [("cifar_resnet20", 32, {}, 24), ("test_vit", 96, {"img_size": 96}, 50)],
    ids=["convolutional", "transformer"],
)
def test_what_decides_lights_up(name: str, side: int, options: dict[str, int], steps: int) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2, **options).train()
    images, labels, _ = planted(64, side, seed=0)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for step in range(steps):
        batch = torch.arange(16) + 16 * (step % 4)
        optimizer.zero_grad()
        torch.autograd.backward(cross_entropy(network(images[batch]), labels[batch]))
        optimizer.step()

    images, labels, inside = planted(32, side, seed=1)
    before = {key: value.clone() for key, value in network.eval().state_dict().items()}
    with torch.no_grad():
        assert (network(images).argmax(1) == labels).float().mean() > 0.9, "it has learnt the shortcut"
    maps = grad_cam(network, images, labels)
    assert maps is not None
    brightest = inside.flatten(1).gather(1, maps.flatten(1).argmax(1, keepdim=True))
    assert brightest.float().mean() > 0.8, "the square covers a sixteenth of each picture"
    assert ((maps * inside).sum() / maps.sum()) > 3 * inside.float().mean()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules()), "nothing is left in the network"


SLOW = [
    *(("alexnet", 224), ("deformable_resnet18", 224), ("deformable_resnet18_v2", 224), ("densenet121", 224), ("googlenet", 224)),
    *(("inception_v3_aux", 299), ("mixer_s32_224", 224), ("mobilenetv3_large_100", 224), ("nin", 224), ("seresnet50", 224)),
    *(("swin_tiny_patch4_window7_224", 224), ("vgg16", 224), ("deit_tiny_distilled_patch16_224", 224)),
]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *(("cifar_resnet20", 32), ("lenet5", 32), ("test_convnext", 160), ("test_efficientnet", 160), ("test_vit2", 160)),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW),
    ],
)
def test_every_family_has_a_map(name: str, side: int) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=3).eval()
    for parameter in network.parameters():
        if not parameter.any():  # some heads start at zero, and then nothing depends on anything
            torch.nn.init.normal_(parameter, std=0.02)
    maps = grad_cam(network, torch.randn(3, 3, side, side), torch.arange(3))
    assert maps is not None
    assert maps.shape == (3, side, side)
    assert maps.min() >= 0
    brightest = maps.amax((1, 2))
    assert ((brightest == 0) | ((brightest - 1).abs() < 1e-6)).all(), "nothing may speak for a class"
    assert brightest.any()


def test_a_network_without_places_has_no_map() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))
    assert grad_cam(network, torch.randn(2, 3, 8, 8), torch.tensor([0, 1])) is None
