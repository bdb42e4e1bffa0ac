"""Solves a linear head at once: a multinomial logistic regression on the features of its photos.

While the network before it stays frozen, the loss of a linear head is convex, so that its optimum
depends neither on a learning rate nor on the order of the photos. Solving it before the network
opens also spares pretrained features the distortion by the gradients of a random head (Kumar et al.
2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution", section
3.2: linear probing, then fine-tuning).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.models.frozen_prefix import evaluation_mode
from posture_classifier.models.head_features import forward_with_features
from posture_classifier.models.stages import classifiers
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.types import Floats, Ints

HeadSolver = Literal["gradient", "lbfgs"]
"""``gradient`` learns the head by the optimizer's steps, ``lbfgs`` solves it at once."""
PATH = tuple(10 ** (step / 2) for step in range(-10, 3))
"""The values of C that are tried, from the strongest penalty to the weakest. C is that of
scikit-learn: half the squared length of the weights is added to C times the sum of all photos'
losses. Features are first shifted to mean 0, each, and scaled to variance 1, all alike."""
SMALLEST_SPREAD = 1e-12
MOST_ITERATIONS = 300
HISTORY = 10
"""Past steps by which L-BFGS estimates the curvature."""
TOLERANCE = 1e-5
"""Largest derivative of the mean loss at which a solution counts as the optimum."""


class Samples(NamedTuple):
    """Photos as a head sees them.

    Attributes:
        views: The features (N, D) of all photos, once for each view of them, such as mirrored; a
            photo counts once, however many views there are.
        labels: (N,) int64.
    """

    views: Sequence[Tensor]
    labels: Tensor

    def select(self, mask: Tensor) -> "Samples":
        """Some of the photos, by a mask (N,)."""
        return Samples([view[mask] for view in self.views], self.labels[mask])


class LinearHead(NamedTuple):
    """Weight (C, D) and bias (C,) of a linear layer."""

    weight: Tensor
    bias: Tensor

    def log_losses(self, samples: Samples) -> Tensor:
        """The negative log probability (N,) of each class, by mean logits over the views."""
        features = torch.stack([view.double() for view in samples.views]).mean(0)
        return functional.cross_entropy(functional.linear(features, *self), samples.labels, reduction="none")


class SolvedHead(NamedTuple):
    """A head with the penalty that was chosen, and its log loss on the photos that chose it."""

    head: LinearHead
    c: float
    log_loss: float


@dataclass(frozen=True)
class LogisticRegression:
    """Multinomial logistic regression with an L2 penalty, solved by L-BFGS (Liu and Nocedal 1989).

    Args:
        n_classes: Number of classes.
        class_weights: Weight of each class in the loss (C,); None weighs all alike.
        label_smoothing: Share of the target that is spread over all classes.
        has_bias: Whether the head has a bias, which is not penalised; otherwise it is 0.

    Example:
        >>> left = torch.randn(50, 8) - 2
        >>> right = torch.randn(50, 8) + 2
        >>> samples = Samples([torch.cat([left, right])], torch.arange(100) // 50)
        >>> solved = LogisticRegression(n_classes=2).choose_by_validation(samples, samples)
        >>> solved.head.weight.shape, solved.log_loss < 0.05
        (torch.Size([2, 8]), True)
    """

    n_classes: int
    class_weights: Tensor | None = None
    label_smoothing: float = 0.0
    has_bias: bool = True

    def choose_by_validation(self, train: Samples, validation: Samples) -> SolvedHead:
        """Choose the head with the lowest log loss of validation photos.

        Ten times the best C so far that brings no better one ends the path: weaker penalties take
        longest to solve for.
        """
        best = None
        for c, head in zip(PATH, self.path(train), strict=True):
            loss = float(head.log_losses(validation).mean())
            if best is None or loss < best.log_loss:
                best = SolvedHead(head, c, loss)
            elif c > 9 * best.c:
                break
        assert best is not None
        return best

    def choose_by_folds(self, train: Samples, folds: Ints) -> SolvedHead:
        """Choose C by photos that a fold (N,) leaves out in turn, and solve for all with it."""
        losses = torch.zeros(len(PATH), dtype=torch.float64)
        for fold in np.unique(folds):
            left_out = torch.from_numpy(folds == fold)
            heads = self.path(train.select(~left_out))
            losses += torch.stack([head.log_losses(train.select(left_out)).sum() for head in heads])
        best = int(losses.argmin())
        *_, head = self.path(train, PATH[: best + 1])
        return SolvedHead(head, PATH[best], float(losses[best]) / len(folds))

    def path(self, samples: Samples, values: Sequence[float] = PATH) -> Iterator[LinearHead]:
        """Solve for each C, from the last solution on.

        Yields:
            Heads for the features as they are, in double precision.
        """
        rows = torch.cat([view.double() for view in samples.views])
        mean = rows.mean(0) if self.has_bias else torch.zeros_like(rows[0])
        rows = rows - mean
        # One scale for all: what hardly ever changes stays small, or else its noise would be large.
        scale = 1 / rows.square().mean().sqrt().clamp(min=SMALLEST_SPREAD)
        rows *= scale
        basis = None
        if len(rows) < rows.shape[1]:
            # The optimum is a sum of photos, so that of few photos as few directions are enough.
            basis, triangle = torch.linalg.qr(rows.T)
            rows = triangle.T
        head = LinearHead(rows.new_zeros(self.n_classes, rows.shape[1]), rows.new_zeros(self.n_classes))
        for c in values:
            head = self._solve(rows, samples.labels, c, head)
            weight = scale * (head.weight if basis is None else head.weight @ basis.T)
            yield LinearHead(weight, head.bias - weight @ mean)

    def _solve(self, rows: Tensor, labels: Tensor, c: float, start: LinearHead) -> LinearHead:
        """The optimum for features (V x N, D) of N photos in V views, one view after the other."""
        n_weights, targets = start.weight.numel(), labels.repeat(len(rows) // len(labels))
        class_weights = None if self.class_weights is None else self.class_weights.double()

        def unpacked(values: Tensor) -> LinearHead:
            return LinearHead(values[:n_weights].view_as(start.weight), values[n_weights:] if self.has_bias else start.bias)

        def objective(flat: Floats) -> tuple[float, Floats]:
            values = torch.from_numpy(flat).requires_grad_()
            with torch.enable_grad():
                head = unpacked(values)
                logits = functional.linear(rows, *head)
                # The mean over photos, as PostureClassifier weighs it.
                loss = functional.cross_entropy(logits, targets, class_weights, label_smoothing=self.label_smoothing)
                value = loss + head.weight.square().sum() / (2 * c * len(labels))
                (gradient,) = torch.autograd.grad(value, values)
            return value.item(), gradient.numpy()

        begin = torch.cat([start.weight.flatten(), start.bias if self.has_bias else start.bias[:0]])
        options = {"maxiter": MOST_ITERATIONS, "maxcor": HISTORY, "gtol": TOLERANCE, "ftol": 0}
        result = minimize(objective, begin.numpy(), method="L-BFGS-B", jac=True, options=options)
        return unpacked(torch.from_numpy(result.x))


def check_linear(backbone: nn.Module, name: str, image_size: int) -> None:
    """Make sure that the logits of a prepared network are one linear layer of what its head sees.

    Raises:
        UserError: They are not, as those of a distilled transformer with its two heads.
    """
    heads = classifiers(backbone)
    if len(heads) == 1 and isinstance(heads[0], nn.Linear):
        images = torch.rand(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
        with evaluation_mode(backbone), torch.no_grad():
            logits, features = forward_with_features(backbone, images)
            if torch.allclose(heads[0](features), logits, rtol=1e-3, atol=1e-5):
                return
    raise UserError(
        f"model.head_solver lbfgs needs a network whose answer is one linear layer of its features, unlike {name}; leave it out"
    )
