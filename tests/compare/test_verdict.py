"""The verdict: how often it is wrong about equal models, and whether it finds a real difference."""

import numpy as np
import pytest

from posture_classifier.compare.verdict import judge
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, Bootstrap


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(("n_models", "n_groups", "each"), [(3, 15, 10), (4, 150, 1)], ids=["groups", "single photos"])
def test_of_a_thousand_ties_at_most_fifty_are_taken_for_more_by_any_metric(n_models: int, n_groups: int, each: int) -> None:
    """Predictions to verdict: some photos and groups are hard for all networks, some for few."""
    generator, group = np.random.default_rng(0), np.repeat(np.arange(n_groups), each)
    labels, wrong = np.arange(len(group)) % 2, dict.fromkeys(METRICS, 0)
    for _ in range(1000):
        common = 1.3 + generator.normal(0, 0.4, n_groups)[group] + generator.normal(0, 0.7, len(group))
        models = []
        for _ in range(n_models):
            margin = common + generator.normal(0, 0.3, n_groups)[group] + generator.normal(0, 0.6, len(group))
            positive = 1 / (1 + np.exp(-3 * (2 * labels - 1) * margin))
            models.append([Predictions(np.arange(len(group)), labels, np.stack([1 - positive, positive], 1))])
        bootstraps = [Bootstrap.of(one, group.astype(str)) for one in models]
        for metric in METRICS:
            wrong[metric] += len(judge(metric, models, bootstraps, grouped=each > 1, margin=0.02).tied) < n_models
    assert max(wrong.values()) <= 50, wrong


def networks(shares: list[float], n: int, seed: int) -> list[list[Predictions]]:
    generator, labels = np.random.default_rng(seed), np.arange(n) % 2
    said = [np.where(generator.random(n) < share, labels, 1 - labels) for share in shares]
    return [[Predictions(np.arange(n), labels, np.eye(2)[row] * 0.8 + 0.1)] for row in said]


@pytest.mark.parametrize(("each", "test"), [(1, "mcnemar"), (5, "bootstrap")])
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_a_real_difference_is_found(each: int, test: str, metric: str) -> None:
    models = networks([0.6, 0.95, 0.94], 300, seed=1)
    groups = (np.arange(300) // each).astype(str)
    verdict = judge(metric, models, [Bootstrap.of(one, groups) for one in models], grouped=each > 1, margin=0.02)
    assert verdict.order[-1] == 0
    assert verdict.tied == [verdict.best, 3 - verdict.best]
    assert verdict.p[0] < 0.001
    assert verdict.test == (test if metric == "accuracy" else "bootstrap")
    further = verdict.additional_groups[3 - verdict.best]
    assert further is None or further > 100
