"""How often intervals cover the truth, and how often equal models differ significantly.

Simulations of a quarter of an hour:

    python -m benchmarks.intervals
"""

import numpy as np

from posture_classifier.metrics import intervals
from posture_classifier.metrics.intervals import resample_weights
from posture_classifier.metrics.scores import METRICS
from tests.metrics.test_intervals import KINDS, NETWORKS, Network, Photos, coverage, simulated, truth
from tests.metrics.test_paired_tests import false_alarms

FEW_GROUPS = (1, 2, 3, 4, 5, 6, 8, 10)
MANY_GROUPS = (
    (15, 10, Network(1.3, 0.3)),
    (15, 10, Network(1.3, 0.6)),
    (30, 10, Network(1.3, 0.5)),
    (72, 10, Network(1.3, 0.5)),
    (150, 1, Network(1.3, 0.0)),
    (400, 1, Network(1.6, 0.0)),
)
"""Groups, photos of each, and the network."""
TIES = ((2, 15, 10, 1), (5, 15, 10, 1), (10, 15, 10, 1), (10, 72, 10, 1), (10, 150, 1, 1), (5, 15, 10, 3))
"""Models, groups, photos of each, and seeds."""


def few_groups(times: int) -> None:
    """Print the lowest coverage of each metric over all networks."""
    print("| photos | groups |", " | ".join(metric.title for metric in METRICS.values()), "|")
    print("|---" * (2 + len(METRICS)) + "|")
    for kind, photos in KINDS.items():
        for n_groups in FEW_GROUPS:
            found = [coverage(n_groups, photos, network, times) for network in NETWORKS.values()]
            lowest = [min(shares[name] for shares in found) for name in METRICS]
            cells = ["unknown" if np.isnan(share) else f"{100 * share:.1f}" for share in lowest]
            print(f"| {kind} | {n_groups} |", " | ".join(cells), "|", flush=True)


def percentiles(n_groups: int, each: int, network: Network, times: int) -> float:
    """How often the percentiles of the bootstrap cover the true accuracy."""
    generator, weights, true = np.random.default_rng(0), resample_weights(n_groups, 0), truth(network)["accuracy"]
    covered = 0
    for _ in range(times):
        predictions, _ = simulated(generator, n_groups, Photos(each), network)
        right = predictions.correct.reshape(n_groups, each).mean(1)
        low, high = np.percentile(weights[1:] @ right / n_groups, [2.5, 97.5])
        covered += bool(low <= true <= high)
    return covered / times


if __name__ == "__main__":
    intervals.RESAMPLES = 400
    few_groups(times=400)
    for n_groups, each, network in MANY_GROUPS:
        held = {name: round(share, 3) for name, share in coverage(n_groups, Photos(each), network, times=3000).items()}
        of_percentiles = percentiles(n_groups, each, network, times=3000)
        print(n_groups, each, network, held, f"percentiles of accuracy {of_percentiles:.3f}", flush=True)
    for tie in TIES:
        all_pairs, best_alone = false_alarms(*tie, times=2000)
        print(tie, f"all pairs {all_pairs:.3f}, against the best alone {best_alone:.3f}", flush=True)
