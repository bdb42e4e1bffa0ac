"""How often ``check`` reports a shortcut, on draws of a few people from the bundled photos.

    python -m benchmarks.shortcuts data/turtle_neck

The photos as they are have no shortcut, so that every report is a false alarm. Photos with another
JPEG quality for each class have one, which should be reported each time.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.check.duplicate_clusters import find_duplicates
from posture_classifier.check.folder_layout import list_folder, name_groups
from posture_classifier.check.sample import make_folds, make_sample
from posture_classifier.check.shortcuts import shortcut_findings
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan, scan_photos
from posture_classifier.utils.types import Ints

DRAWS = 200


def shortcuts(photos: Photos, scan: Scan, rows: Ints, quality: bool) -> set[str]:
    """Kinds of shortcuts that are reported; ``quality`` gives each class another JPEG quality."""
    chosen = photos.select(rows)
    part = Scan([scan.facts[row] for row in rows], scan.features[rows])
    clusters = find_duplicates(chosen, part).clusters
    if quality:
        facts = [replace(fact, quality=50 + 40 * label) for fact, label in zip(part.facts, chosen.labels.tolist(), strict=True)]
        part = Scan(facts, part.features)
    sample = make_sample(chosen, part, clusters)
    folds = make_folds(sample)
    assert folds is not None
    return {finding.kind for finding in shortcut_findings(part, sample, folds, chosen.paths.tolist())}


def main() -> None:
    """Print a line for each way to draw people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    photos, _ = name_groups(list_folder(parser.parse_args().folder).photos, r"subject-\d+")
    scan = scan_photos([Path(photos.file(index)) for index in range(len(photos))], lambda done, n: None)
    groups = np.asarray(photos.groups)
    names, numbers = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(2)

    def people(n: int) -> npt.NDArray[np.bool_]:
        return np.isin(numbers, generator.choice(len(names), n, replace=False))

    def in_one_posture(n: int) -> npt.NDArray[np.bool_]:
        order = generator.permutation(len(names))
        chosen: npt.NDArray[np.bool_] = (order[numbers] < n) & (order[numbers] % 2 == photos.labels)
        return chosen

    draws: dict[str, Callable[[], npt.NDArray[np.bool_]]] = {
        "4 people": lambda: people(4),
        "8 people": lambda: people(8),
        "8 people in one posture each": lambda: in_one_posture(8),
    }
    for title, draw in draws.items():
        rows = [np.flatnonzero(draw()) for _ in range(DRAWS)]
        alarms = sum(bool(shortcuts(photos, scan, chosen, quality=False)) for chosen in rows)
        hits = sum("file_property_shortcut" in shortcuts(photos, scan, chosen, quality=True) for chosen in rows)
        print(f"{title}: {alarms} false alarms, {hits} JPEG qualities found, in {DRAWS} draws", flush=True)


if __name__ == "__main__":
    main()
