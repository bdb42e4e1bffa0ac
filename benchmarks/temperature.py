"""From how many wrong photos on a fitted temperature is better than none.

    python -m benchmarks.temperature
    python -m benchmarks.temperature lightning_logs/trash/version_0/test/predictions.csv

Draws validation photos, takes the temperature of their lowest log loss, and compares the log loss
of new photos with that at temperature 1. Photos are drawn as a network of two classes sees them
whose true log odds are normal and whose logits are these times a temperature, from 0.77 (too
unsure) to 2.2 (twice too sure); either each for itself, or five of each person with half of the
variance and of the luck in common. Or they are drawn from predictions of a real network, and the
others are the new ones.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logsumexp
from scipy.stats import norm

from posture_classifier.metrics.temperature_scaling import RANGE
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.utils.types import Floats

TEMPERATURES = np.exp(np.log(1.3) + 0.35 * np.array([-1.5, -0.75, 0, 0.75, 1.5]))
ACCURACIES = (0.75, 0.85, 0.92, 0.96)
SIZES = (4, 8, 16, 30, 60, 120)
DRAWS = 300
PER_PERSON = 5
GRID = np.geomspace(*RANGE, 160)
MOST_WRONG = 12
Found = tuple[int, float]
"""Number of wrong validation photos, and the change of the log loss of new photos."""


def log1pexp(values: Floats) -> Floats:
    """log(1 + exp(values))."""
    return np.logaddexp(0, values)


def simulate(per_person: int, generator: np.random.Generator) -> Iterator[Found]:
    """Yield what each draw of a simulated network found."""
    normal = generator.standard_normal(4000)
    for accuracy in ACCURACIES:
        spread = brentq(lambda s, goal=accuracy: expit(np.abs(s * normal)).mean() - goal, 0.01, 60)
        odds = spread * normal
        for temperature in TEMPERATURES:
            scaled = temperature * odds / np.array([*GRID, 1])[:, None]
            *new, unscaled = (expit(odds) * log1pexp(-scaled) + expit(-odds) * log1pexp(scaled)).mean(1)
            for size in SIZES:
                drawn = spread * shared_normal(size, per_person, generator)
                label = norm.cdf(shared_normal(size, per_person, generator)) < expit(drawn)
                margins = temperature * np.where(label, drawn, -drawn)  # below 0 where the photo is wrong
                best = np.stack([log1pexp(-margins / t).mean(1) for t in GRID]).argmin(0)
                for wrong, chosen in zip((margins < 0).sum(1).tolist(), best.tolist(), strict=True):
                    yield wrong, float(new[chosen] - unscaled)


def shared_normal(size: int, per_person: int, generator: np.random.Generator) -> Floats:
    """Normal numbers (DRAWS, size), half of whose variance the photos of a person share."""
    own = generator.standard_normal((DRAWS, size))
    if per_person == 1:
        return own
    people = generator.standard_normal((DRAWS, -(-size // per_person))).repeat(per_person, 1)[:, :size]
    shared: Floats = (own + people) / np.sqrt(2)
    return shared


def resample(path: Path, generator: np.random.Generator) -> Iterator[Found]:
    """Yield what each draw from a real network's predictions found."""
    predictions = read_prediction_table(path).predictions
    logits = np.log(np.maximum(predictions.probabilities, 1e-30))
    chosen = logits[np.arange(len(logits)), predictions.labels]
    losses = np.stack([logsumexp(logits / t, axis=1) - chosen / t for t in [*GRID, 1.0]])
    for size in (size for size in SIZES if size <= len(logits) // 2):
        for _ in range(5 * DRAWS):
            drawn = np.zeros(len(logits), np.bool_)
            drawn[generator.choice(len(logits), size, replace=False)] = True
            best = losses[:-1, drawn].mean(1).argmin()
            yield int((~predictions.correct[drawn]).sum()), float((losses[best, ~drawn] - losses[-1, ~drawn]).mean())


def report(title: str, found: Iterator[Found]) -> None:
    """Print the mean change by the number of wrong photos, and how often it is for the worse."""
    wrong, change = map(np.array, zip(*found, strict=True))
    print(title)
    for n in range(1, MOST_WRONG + 1):
        if (of_n := change[wrong == n]).size:
            error = of_n.std() / np.sqrt(len(of_n))
            print(f"  {n:2} wrong: {of_n.mean():+.4f} ± {2 * error:.4f}, worse in {(of_n > 0).mean():.0%} of {len(of_n)} draws")


def main() -> None:
    """Print a table for each way to draw photos, or for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, nargs="*")
    files = parser.parse_args().predictions
    generator = np.random.default_rng(0)
    for path in files:
        report(str(path), resample(path, generator))
    if not files:
        report("each photo for itself", simulate(1, generator))
        report(f"{PER_PERSON} photos of each person", simulate(PER_PERSON, generator))


if __name__ == "__main__":
    main()
