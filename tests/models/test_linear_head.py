"""The solved head is the optimum of the penalised loss, and photos apart choose the penalty."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Reference
from torch import Tensor
from torch.nn import functional

from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.linear_head import PATH, LinearHead, LogisticRegression, Samples, check_linear
from posture_classifier.utils.errors import UserError


def draw(n: int = 60, n_features: int = 5, n_classes: int = 3, seed: int = 0) -> Samples:
    """Features of mean 0 and variance 1 that say something of the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % n_classes
    features = torch.randn(n, n_features, generator=generator, dtype=torch.float64)
    features[:, 0] += labels
    features = (features - features.mean(0)) / features.std(0, correction=0)
    return Samples([features], labels)


def derivatives(head: LinearHead, samples: Samples, c: float, **loss: Tensor | float) -> list[Tensor]:
    """Those of the penalised mean loss by weight and bias."""
    weight, bias = (each.clone().requires_grad_() for each in head)
    logits = functional.linear(samples.views[0], weight, bias)
    value = functional.cross_entropy(logits, samples.labels, **loss)  # type: ignore[arg-type]
    return list(torch.autograd.grad(value + weight.square().sum() / (2 * c * len(logits)), [weight, bias]))


def test_the_optimum_is_that_of_scikit_learn() -> None:
    samples = draw()
    (head,) = LogisticRegression(3).path(samples, [0.1])
    reference = Reference(C=0.1, tol=1e-8, max_iter=1000).fit(samples.views[0].numpy(), samples.labels.numpy())
    np.testing.assert_allclose(head.weight, reference.coef_, atol=1e-3)
    np.testing.assert_allclose(head.bias - head.bias.mean(), reference.intercept_ - reference.intercept_.mean(), atol=1e-3)


def test_class_weights_and_label_smoothing_are_those_of_the_training_loss() -> None:
    samples, weights = draw(), torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    (head,) = LogisticRegression(3, weights, label_smoothing=0.2).path(samples, [0.1])
    for derivative in derivatives(head, samples, 0.1, weight=weights, label_smoothing=0.2):
        torch.testing.assert_close(derivative, torch.zeros_like(derivative), rtol=0, atol=1e-4)
    assert max(d.abs().max() for d in derivatives(head, samples, 0.1)) > 1e-3


def test_a_head_without_bias_has_none() -> None:
    samples = draw()
    (head,) = LogisticRegression(3, has_bias=False).path(samples, [0.1])
    assert not head.bias.any()
    torch.testing.assert_close(derivatives(head, samples, 0.1)[0], torch.zeros(3, 5, dtype=torch.float64), rtol=0, atol=1e-4)


def test_neither_the_scale_of_features_nor_one_that_never_changes_matters() -> None:
    samples = draw()
    scaled = Samples([100 * samples.views[0] - 7], samples.labels)
    (head,), (other,) = (LogisticRegression(3).path(each, [0.1]) for each in (samples, scaled))
    torch.testing.assert_close(other.log_losses(scaled), head.log_losses(samples), rtol=0, atol=1e-4)
    (blind,) = LogisticRegression(3).path(Samples([torch.ones(60, 5)], samples.labels), [0.1])
    assert not blind.weight.any()


def test_fewer_photos_than_features_have_the_same_optimum() -> None:
    samples = draw(n=12, n_features=40)
    (head,) = LogisticRegression(3).path(samples, [0.1])
    for derivative in derivatives(head, samples, 0.1):
        torch.testing.assert_close(derivative, torch.zeros_like(derivative), rtol=0, atol=1e-4)


def test_views_of_a_photo_share_its_vote() -> None:
    samples = draw()
    mirrored = samples.views[0].flip(1)
    (once,) = LogisticRegression(3).path(samples, [0.1])
    (twice,) = LogisticRegression(3).path(Samples([samples.views[0]] * 2, samples.labels), [0.1])
    torch.testing.assert_close(twice.weight, once.weight, rtol=0, atol=1e-4)
    (both,) = LogisticRegression(3).path(Samples([samples.views[0], mirrored], samples.labels), [0.1])
    torch.testing.assert_close(both.weight, both.weight.flip(1), rtol=0, atol=1e-3)


def test_photos_that_were_left_out_choose_the_penalty() -> None:
    """Copies tell a photo's label, a coin flip: only whole groups left out see through it."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(20, 40, generator=generator, dtype=torch.float64).repeat(3, 1)
    samples = Samples([features], torch.randint(2, (20,), generator=generator).repeat(3))
    groups = np.arange(60) % 20
    torn, whole = (LogisticRegression(2).choose_by_folds(samples, folds) for folds in (np.arange(60) // 20, groups % 5))
    assert torn.log_loss < 0.2 < 0.5 < whole.log_loss
    assert whole.c <= 0.1 < torn.c
    validation = LogisticRegression(2).choose_by_validation(draw(n_classes=2), draw(n_classes=2, seed=1))
    assert PATH[0] < validation.c < PATH[-1]


def test_networks_without_one_linear_layer_at_the_end_are_refused() -> None:
    model = PostureClassifier(["a", "b"], backbone="test_resnet", pretrained=False, head_solver="lbfgs")
    whole = model.backbone.forward
    model.backbone.forward = lambda images: whole(images) + 1
    with pytest.raises(UserError, match="unlike test_resnet"):
        check_linear(model.backbone, "test_resnet", 64)
    with pytest.raises(UserError, match=r"model\.head_solver lbfgs .*deit_tiny_distilled"):
        PostureClassifier(["a", "b"], backbone="deit_tiny_distilled_patch16_224", pretrained=False, head_solver="lbfgs")
