"""The distance from the training photos is the one that its sources describe, for every network."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from torch import Tensor

from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.familiarity import FamiliarityDistance, fit_familiarity
from posture_classifier.models.head_features import count_features

N_PHOTOS, N_FEATURES, N_CLASSES = 90, 12, 3


def features(count: int = N_PHOTOS, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(N_FEATURES, N_FEATURES, generator=torch.Generator().manual_seed(9))
    return 4 + torch.randn(count, N_FEATURES, generator=generator) @ mixing


LABELS = torch.arange(N_PHOTOS) % N_CLASSES


@pytest.mark.parametrize("directions", [0, 1, 5, N_FEATURES - 1])
def test_it_is_the_mahalanobis_distance_with_the_covariance_of_probabilistic_pca(directions: int) -> None:
    known, new = features(), features(20, seed=1) * 3
    distances = FamiliarityDistance(fit_familiarity(known, LABELS, directions))(new)
    unit, unit_new = ((each / each.norm(dim=1, keepdim=True)).double().numpy() for each in (known, new))
    means = np.stack([unit[label == LABELS].mean(0) for label in range(N_CLASSES)])
    within = unit - means[LABELS]
    # scikit-learn divides by one less than the number of photos; a mean of each class takes more.
    covariance = PCA(n_components=directions).fit(within).get_covariance() * (N_PHOTOS - 1) / (N_PHOTOS - N_CLASSES)
    expected = cdist(unit_new, means, "mahalanobis", VI=np.linalg.inv(covariance)).min(1) / np.sqrt(N_FEATURES)
    np.testing.assert_allclose(distances, expected, rtol=2e-4)


def test_with_fewer_photos_than_features_half_of_them_give_directions() -> None:
    known = torch.rand(8, 100, generator=torch.Generator().manual_seed(0))
    reference = fit_familiarity(known, torch.arange(8) % 2)
    assert reference["basis"].shape == (100, 3)
    torch.testing.assert_close(reference["basis"].T @ reference["basis"], torch.eye(3), atol=1e-5, rtol=0)
    distance = FamiliarityDistance(reference)
    assert distance(known).max() < distance(1 - known).min()


def test_photos_that_are_all_equal_leave_finite_distances() -> None:
    distance = FamiliarityDistance(fit_familiarity(torch.ones(6, 4), torch.arange(6) % 2))
    assert distance(torch.ones(1, 4)).item() == pytest.approx(0, abs=1e-3)
    assert np.isfinite(distance(torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]])).numpy()).all()


@pytest.mark.parametrize(
    "change",
    [
        {"rest": torch.tensor(0.0)},
        {"rest": torch.tensor([1.0])},
        {"variances": torch.tensor([-1.0])},
        {"basis": torch.zeros(3, 1)},
        {"class_means": torch.full((N_CLASSES, N_FEATURES), torch.nan)},
        {"class_means": torch.zeros(0, N_FEATURES)},
        {"class_means": torch.zeros(N_CLASSES, N_FEATURES, dtype=torch.int64)},
        {"photo": torch.zeros(1)},
    ],
)
def test_an_impossible_reference_is_refused(change: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="should"):
        FamiliarityDistance(fit_familiarity(features(), LABELS, 1) | change)


@pytest.mark.parametrize(
    ("backbone", "head", "size"),
    [
        ("test_resnet", "last_stage", 32),
        ("test_resnet", "all_stages", 32),
        ("test_vit", "last_stage", 160),
        ("lenet5", "last_stage", 32),
        ("alexnet", "last_stage", 64),
    ],
)
def test_the_features_are_those_that_the_logits_are_computed_from(backbone: str, head: str, size: int) -> None:
    model = PostureClassifier(["a", "b"], backbone=backbone, pretrained=False, head=head, image_size=size).eval()  # type: ignore[arg-type]
    images = torch.rand(3, 3, size, size)
    with torch.inference_mode():
        logits, seen = model.logits_and_features(images)
        torch.testing.assert_close(logits, model(images), rtol=0, atol=0)
        torch.testing.assert_close(model.backbone.get_classifier()(seen), logits)  # type: ignore[operator]
    assert seen.shape == (3, count_features(model.backbone))
