"""How much a number of groups can tell of others: the rule of all intervals.

Groups are the witnesses: photos of one person resemble each other. An interval needs ``FEWEST``
groups, and a metric that is made of classes ``FEWEST_OF_CLASS`` of each class, since one session
says nothing about another one. Below that it is unknown.

Few groups also vary less than the truth: none of three people may be one of those whom a network
fails on. So to the variance that they show comes one that they cannot have shown
(``unseen_variance``). ``benchmarks/intervals.py`` chose the numbers: they are the smallest at which
every interval holds the truth in 93 of 100 cases or more, of photos as of video, and of sessions
that hold one class only. Intervals of two groups would hold it, too, but say nothing: they are
0.64 to 0.99 wide.

Groups of uneven size tell less than their number, and count as Kish's effective number of groups.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats, Ints

FEWEST = 3
"""Groups that an interval needs."""
FEWEST_OF_CLASS = 2
"""Groups of each class that the interval of a metric made of classes needs."""
FEWEST_EFFECTIVE = 2
"""Effective groups that an interval needs, where groups are of uneven size."""
UNSEEN = 0.5
"""Unseen variance of the mean of G groups, by the largest possible one of a photo over G squared.

The value also keeps wrong recommendations at 5 % in ``benchmarks/recommendations.py``. Adding half
an observation to each cell of a table of pairs, as Agresti and Min (2005) do for single photos,
makes it 1.
"""


def unseen_variance(n_groups: float) -> float:
    """Variance of a mean over groups that these cannot have shown.

    Where they hardly differ, the bootstrap sees none, though another person may be one whom a
    network fails on, or of whom only one of two networks is right. It is given by the largest
    possible variance of a photo.

    Example:
        >>> unseen_variance(5)
        0.02
    """
    return UNSEEN / n_groups**2


@dataclass(frozen=True)
class Witnesses:
    """The groups that an interval rests on.

    Attributes:
        photos: (G, C) photos that a group has of a class; (G, 1) for a metric that does not depend
            on classes.

    Example:
        Two sessions of one class and two of another are four, but each class has two only:

        >>> sessions = Witnesses.of_classes(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1]))
        >>> sessions.n_groups, round(sessions.degrees, 1), round(sessions.inflation, 1)
        (4, 2.0, 2.0)
    """

    photos: Ints

    @classmethod
    def of_groups(cls, codes: Ints) -> "Witnesses":
        """Groups 0 to G - 1 (N,) of which a metric is a mean, whatever the classes of photos."""
        return cls(np.bincount(codes)[:, None])

    @classmethod
    def of_classes(cls, codes: Ints, labels: Ints) -> "Witnesses":
        """Groups 0 to G - 1 (N,) of a metric that is made of the photos' classes (N,)."""
        present, columns = np.unique(labels, return_inverse=True)
        photos = np.zeros((int(codes.max()) + 1, len(present)), dtype=np.int64)
        np.add.at(photos, (codes, columns), 1)
        return cls(photos)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.photos)

    @cached_property
    def n_photos(self) -> int:
        """Number of photos."""
        return int(self.photos.sum())

    @cached_property
    def effective_groups(self) -> float:
        """As many groups of one size as tell as much (Kish 1965); in the mean of the classes."""
        shares = self.photos / self.photos.sum(0)
        evenness = 1 / (shares**2).sum(0) / (self.photos > 0).sum(0)
        return float(self.n_groups * evenness.mean())

    @property
    def too_few(self) -> str | None:
        """What there is too little of for an interval: ``2 groups``; None where there is enough."""
        unit = "photo" if self.n_groups == self.n_photos else "group"
        if self.n_groups < FEWEST:
            return plural(self.n_groups, unit)
        fewest = int((self.photos > 0).sum(0).min())
        if fewest < FEWEST_OF_CLASS:
            return f"{plural(fewest, unit)} of a class"
        return f"{self.n_groups} groups of uneven size" if self.effective_groups < FEWEST_EFFECTIVE else None

    @cached_property
    def inflation(self) -> float:
        """Factor that makes the bootstrap's variance unbiased: G / (G - 1) without classes.

        Groups that are alike in their variance are assumed (Bell and McCaffrey 2002).
        """
        weights = self._shares.mean(1)
        return float((weights**2).sum() / self._moments[0])

    @cached_property
    def degrees(self) -> float:
        """Degrees of freedom of that variance by Satterthwaite's rule: G - 1 without classes.

        They are fewer by as much as the effective groups are.
        """
        first, second = self._moments
        return float(first**2 / second) * (self.effective_groups - 1) / (self.n_groups - 1)

    @property
    def quantile(self) -> float:
        """The 97.5 percentile of Student's distribution with these degrees of freedom."""
        return float(stdtrit(self.degrees, 0.975))

    @cached_property
    def _shares(self) -> Floats:
        """(G, C) share that a group has in a class, where all its groups were of one size."""
        present = self.photos > 0
        result: Floats = present / present.sum(0)
        return result

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Traces of B squared and of B to the fourth, B being the residuals of the groups.

        With the groups' weights w and their shares S in C classes, B is diag(w) - S S' / C. The
        traces are taken without that (G, G) matrix, which thousands of photos would make too large.
        """
        shares, weights = self._shares, self._shares.mean(1)
        n_classes = shares.shape[1]
        # B squared is diag(w^2) + U K U'.
        inner = shares.T @ shares / n_classes**2
        identity = np.eye(n_classes) / n_classes
        factors = np.hstack([weights[:, None] * shares, shares])
        kernel = np.block([[np.zeros_like(identity), -identity], [-identity, inner]])
        gram = kernel @ (factors.T @ factors)
        crossed = kernel @ (factors.T @ (weights[:, None] ** 2 * factors))
        first = (weights**2).sum() + np.trace(gram)
        second = (weights**4).sum() + 2 * np.trace(crossed) + np.einsum("ij,ji->", gram, gram)
        return float(first), float(second)
