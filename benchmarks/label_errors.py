r"""How much of what ``check`` lists as probable label errors is right, with planted ones.

    python -m benchmarks.label_errors data/turtle_neck 'subject-\d+'
    python -m benchmarks.label_errors FOLDER

Photos drawn at random get another class at random. Photos that are listed and were not changed
count as wrongly listed, although some may have been labelled wrongly all along. An interval
(Clopper and Pearson) is of the photos listed or changed, pooled over the draws; it says nothing of
other folders.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.folder_layout import list_folder, name_groups
from posture_classifier.check.label_errors import find_suspects, odd_photos, plant_label_errors

RATES = (0.01, 0.03, 0.1)
DRAWS = 20


def share(part: int, whole: int) -> str:
    """A share with its 95 % interval."""
    if not whole:
        return "none listed"
    low, high = binomtest(part, whole).proportion_ci()
    return f"{part / whole:.2f} ({low:.2f} to {high:.2f}; {part} of {whole})"


def main() -> None:
    """Print a row of the table for each share of changed labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("group_pattern", nargs="?")
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    photos, _ = name_groups(list_folder(arguments.folder).photos, arguments.group_pattern)
    folder = CheckedFolder(photos, lambda done, n: None)
    sample, stages, odd = folder.sample, folder.scan.stages[folder.sample.rows], odd_photos(folder)
    start = time.perf_counter()
    suspects, predicted, trials = find_suspects(sample, stages, odd)
    accuracy = np.mean(predicted == sample.labels)
    print(f"as they are: {len(suspects)} listed, accuracy {accuracy:.3f}, {trials}, {time.perf_counter() - start:.1f} s")
    print([str(photos.paths[sample.rows[index]]) for index in suspects])
    for rate in RATES:
        changed = listed = right = silent = 0
        for draw in range(arguments.draws):
            labels, chosen = plant_label_errors(sample.labels, rate, np.random.default_rng(100 + draw))
            suspects, _, trials = find_suspects(replace(sample, labels=labels), stages, odd)
            changed, listed, right = changed + len(chosen), listed + len(suspects), right + np.isin(suspects, chosen).sum()
            silent += trials.level is None
        print(f"| {arguments.folder.name} | {rate:.0%} | {share(right, listed)} | {share(right, changed)} | {silent} |", flush=True)


if __name__ == "__main__":
    main()
