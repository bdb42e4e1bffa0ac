"""How often intervals cover the truth, and how often equal models differ significantly.

Simulations of some two minutes:

    python -m benchmarks.intervals
"""

import numpy as np

from posture_classifier.metrics import intervals
from posture_classifier.metrics.intervals import resample_weights
from tests.metrics.test_intervals import coverage, simulated, truth
from tests.metrics.test_paired_tests import false_alarms

SETS = ((15, 10, 1.3, 0.3), (15, 10, 1.3, 0.6), (30, 10, 1.3, 0.5), (72, 10, 1.3, 0.5), (150, 1, 1.3, 0.0), (400, 1, 1.6, 0.0))
"""Groups, photos of each, mean margin, and its spread between groups."""
TIES = ((2, 15, 10, 1), (5, 15, 10, 1), (10, 15, 10, 1), (10, 72, 10, 1), (10, 150, 1, 1), (5, 15, 10, 3))
"""Models, groups, photos of each, and seeds."""


def percentiles(n_groups: int, each: int, margin: float, spread: float, times: int) -> float:
    """How often the percentiles of the bootstrap cover the true accuracy."""
    generator, weights, true = np.random.default_rng(0), resample_weights(n_groups, 0), truth(margin, spread)["accuracy"]
    covered = 0
    for _ in range(times):
        predictions, _ = simulated(generator, n_groups, each, margin, spread)
        right = predictions.correct.reshape(n_groups, each).mean(1)
        low, high = np.percentile(weights[1:] @ right / n_groups, [2.5, 97.5])
        covered += bool(low <= true <= high)
    return covered / times


if __name__ == "__main__":
    intervals.RESAMPLES = 400
    for test_set in SETS:
        held = {name: round(share, 3) for name, share in coverage(*test_set, times=3000).items()}
        print(test_set, held, f"percentiles of accuracy {percentiles(*test_set, times=3000):.3f}", flush=True)
    for tie in TIES:
        all_pairs, best_alone = false_alarms(*tie, times=2000)
        print(tie, f"all pairs {all_pairs:.3f}, against the best alone {best_alone:.3f}", flush=True)
