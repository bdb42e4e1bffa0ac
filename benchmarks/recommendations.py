"""How often ``compare`` recommends an entry that is truly worse by more than the margin.

Simulations of some four minutes:

    python -m benchmarks.recommendations
"""

from functools import partial

from posture_classifier.metrics import intervals
from tests.compare.test_good_enough import MARGIN, SPREADS, recommendations

GROUPS, ENTRIES, TIMES = (3, 4, 6, 15, 72), (2, 3, 5, 10), 1000
AHEAD = 0.1
"""How far the best is ahead where it is counted how often it is recommended."""

if __name__ == "__main__":
    intervals.RESAMPLES = 400
    print("| entries | groups are |", " | ".join(f"{n_groups} groups" for n_groups in GROUPS), "|")
    print("|---" * (2 + len(GROUPS)) + "|")
    for name, spread in SPREADS.items():
        for n_entries in ENTRIES:
            cells = []
            for n_groups in GROUPS:
                simulated = partial(recommendations, n_entries, n_groups, spread, times=TIMES)
                wrong = max(simulated(best, MARGIN + 0.001)[0] for best in (0.99, 0.9))
                _, right = simulated(0.9, AHEAD)
                cells.append(f"{100 * wrong:.1f}, {100 * right:.0f}")
            print(f"| {n_entries} | {name} |", " | ".join(cells), "|", flush=True)
