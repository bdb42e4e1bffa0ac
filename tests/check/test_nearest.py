"""How alike the photos of a group are."""

import numpy as np

from posture_classifier.check.nearest import find_nearest


def test_a_group_of_one_class_does_not_matter_by_its_class() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    features = np.eye(2, 8)[labels] * 9 + generator.normal(size=(400, 8))
    unit = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    groups = labels * 4 + generator.integers(0, 4, 400)
    (nearest,) = find_nearest(unit, labels, [groups])
    assert nearest.in_group < 1.5 * nearest.by_chance, "all photos resemble those of their class"
