"""How unlike the training photos a photo is, by the features that the network's head sees.

Source: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples and
adversarial attacks", section 2.1: the Mahalanobis distance to the nearest class, with a covariance
that all classes share. There are often fewer photos than features, so the covariance has its
largest directions as they were measured, and one variance in all others (Tipping and Bishop 1999,
"Probabilistic principal component analysis"). Features are scaled to length 1 before (Müller and
Hein 2025, "Mahalanobis++: improving OOD detection via feature normalization"); otherwise a black
photo, whose features are small, would be near everything. Only means and directions over many
photos are stored, nothing of a single one.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOST_DIRECTIONS = 64
"""Directions of the covariance that are stored: a quarter of a megabyte for 1,000 features."""
LEAST_VARIANCE = 1e-6
"""Least variance in any direction, as a share of the features' mean square: where they never vary,
any change would be infinitely far otherwise."""


class FamiliarityDistance(nn.Module):
    """The distance of a photo's features from those of the training photos, about 1 for these.

    Computed by matrix products and reductions alone, so that it can be exported.

    Args:
        reference: What ``fit_familiarity`` returned.

    Raises:
        ValueError: Tensors are missing, of wrong shapes or types, or hold impossible values.

    Example:
        >>> features = 3 + torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
        >>> distance = FamiliarityDistance(fit_familiarity(features, torch.arange(50) % 2))
        >>> far = distance(-features[:1]) > distance(features).max()
        >>> distance(features).shape, bool(far)
        (torch.Size([50]), True)
    """

    class_means: Tensor
    basis: Tensor
    variances: Tensor
    rest: Tensor
    _centre: Tensor
    _along: Tensor
    _across: Tensor

    def __init__(self, reference: Mapping[str, Tensor]) -> None:
        super().__init__()
        _check(reference)
        for name, tensor in reference.items():
            self.register_buffer(name, tensor.float())
        # From a centre amid the classes, so that little is lost to rounding.
        centre = self.class_means.mean(0)
        self.register_buffer("_centre", centre, persistent=False)
        along, across = self._divide(self.class_means - centre)
        self.register_buffer("_along", along, persistent=False)
        self.register_buffer("_across", across, persistent=False)

    @property
    def n_features(self) -> int:
        """Number of features of a photo: D."""
        return int(self.class_means.shape[1])

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, D) -> distances (B,), 0 or more: the root of the mean over directions."""
        along, across = self._divide(_of_length_one(features.float()) - self._centre)
        squares = ((along.unsqueeze(1) - self._along).square() / self.variances).sum(2)
        rest = across.square().sum(1, keepdim=True) - 2 * across @ self._across.T + self._across.square().sum(1)
        return ((squares + rest / self.rest).amin(1) / self.n_features).clamp(min=0).sqrt()

    def _divide(self, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates (B, K) of offsets (B, D) in the stored directions, and what they leave."""
        along = offsets @ self.basis
        return along, offsets - along @ self.basis.T


@torch.no_grad()
def fit_familiarity(features: Tensor, labels: Tensor, most_directions: int = MOST_DIRECTIONS) -> dict[str, Tensor]:
    """Measure where the features of training photos lie, class by class.

    Args:
        features: (N, D) of at least two photos.
        labels: (N,) their classes; one without photos has no mean.
        most_directions: Most directions whose own variance is stored. Half of the photos' degrees
            of freedom are left to the rest in any case, or its variance would be that of nothing.

    Returns:
        ``class_means`` (C, D) of the classes that have photos, the orthonormal ``basis`` (D, K) of
        the directions of largest variance within classes, their ``variances`` (K,), and that of all
        the ``rest`` ().
    """
    features = _of_length_one(features.double())
    codes = torch.unique(labels, return_inverse=True)[1]
    counts = torch.bincount(codes)
    means = torch.zeros(len(counts), features.shape[1], dtype=torch.float64).index_add_(0, codes, features) / counts[:, None]
    within = features - means[codes]
    n_free, n_features = max(1, len(features) - len(counts)), features.shape[1]
    n_kept = min(most_directions, n_free // 2, n_features - 1)
    variances, basis = _largest_variances(within, n_kept)
    variances = variances / n_free
    total = float(within.square().sum()) / n_free
    least = LEAST_VARIANCE * max(float(features.square().mean()), LEAST_VARIANCE)
    rest = max((total - float(variances.sum())) / (n_features - n_kept), least)
    return {
        "class_means": means.float(),
        "basis": basis.float().contiguous(),
        # No direction that was kept varies less than the others.
        "variances": variances.clamp(min=rest).float(),
        "rest": torch.tensor(rest),
    }


def _of_length_one(features: Tensor) -> Tensor:
    return features / features.square().sum(1, keepdim=True).sqrt().clamp(min=1e-12)


def _largest_variances(offsets: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest sums of squares (K,) of offsets (N, D) in orthogonal directions (D, K).

    From the smaller one of the two matrices of products, which is much faster than a decomposition
    of the offsets themselves.
    """
    wide = len(offsets) < offsets.shape[1]
    values, vectors = torch.linalg.eigh(offsets @ offsets.T if wide else offsets.T @ offsets)
    values, vectors = values.flip(0)[:count].clamp(min=0), vectors.flip(1)[:, :count]
    if wide:
        # Orthonormal also where the values are zero.
        vectors = torch.linalg.qr(offsets.T @ vectors)[0]
    return values, vectors


def _check(reference: Mapping[str, Tensor]) -> None:
    """Raise a ValueError unless tensors of a file are a reference."""
    shapes = {"class_means": 2, "basis": 2, "variances": 1, "rest": 0}
    if reference.keys() != shapes.keys():
        raise ValueError(f"should have {', '.join(shapes)}")
    for name, tensor in reference.items():
        plain = tensor.layout == torch.strided and not tensor.is_meta and tensor.is_floating_point()
        if not plain or tensor.ndim != shapes[name] or not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} should have {shapes[name]} dimensions of finite numbers")
    (n_classes, n_features), n_directions = reference["class_means"].shape, len(reference["variances"])
    if not n_classes or not n_features or reference["basis"].shape != (n_features, n_directions):
        raise ValueError("class_means, basis and variances should be of one number of features and directions")
    if not (reference["rest"] > 0 and bool((reference["variances"] > 0).all())):
        raise ValueError("variances should be above 0")
