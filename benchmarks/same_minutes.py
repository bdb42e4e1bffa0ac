"""What peers come to on the same photos, with the same network, in the same seconds as a ``fit``.

    python benchmarks/seeds.py 10-14 --config configs/best.yaml --experiment best
    python benchmarks/same_minutes.py lightning_logs/best/version_* [--only fastai lightning]

Each run tells the photos of its splits and the seconds that its training took; the contestants of
``timed_peers.py`` then get those, one after another. They learn and choose on the same training and
validation photos, and are tested on the same test photos. Prints a line for each, then a table with
differences that are paired over all seeds, and have a 95 % interval over groups. A contestant whose
packages want versions of their own is given a Python: ``--python autogluon=/path/to/bin/python``.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml
from paired import Scored, Scores, by_seed, describe, scores_of_run

from posture_classifier.models.weights import create_backbone
from posture_classifier.runs.names import CONFIG_YAML, SPLIT_CSV, SUMMARY_JSON

NAMES = ("fastai", "lightning", "autogluon")


def lay_out(run: Path, below: Path) -> None:
    """Link the photos of a run to ``<split>/<class>/...``, which all contestants read."""
    root = Path(yaml.safe_load((run / CONFIG_YAML).read_text())["data"]["root"])
    with (run / SPLIT_CSV).open(newline="") as file:
        for row in csv.DictReader(file):
            target = below / row["split"] / row["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((root / row["path"]).resolve())


def compete(name: str, python: str, run: Path, weights: Path, own: Scores) -> Scores:
    """Train a contestant as long as a run did; returns what it makes of the test photos."""
    summary = json.loads((run / SUMMARY_JSON).read_text())
    seconds = sum(phase["seconds"] for phase in summary["phases"])
    with tempfile.TemporaryDirectory() as temporary:
        folder, table = Path(temporary) / "photos", Path(temporary) / "table.csv"
        lay_out(run, folder)
        command = [
            python,
            str(Path(__file__).with_name("timed_peers.py")),
            name,
            str(folder),
            str(seconds),
            str(weights),
            str(table),
        ]
        result = subprocess.run(command, cwd=temporary, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"{name} failed:\n{result.stdout}\n{result.stderr}")
        with table.open(newline="") as file:
            rows = {path: np.array(values, float) for path, *values in csv.reader(file)}
    scores: Scores = {}
    for path, probabilities in rows.items():
        label = summary["classes"].index(path.split("/")[0])
        loss = -np.log(max(probabilities[label], 1e-7))
        scores[path] = Scored((float(probabilities.argmax() == label), loss), own[path].group)
    accuracy = np.mean([scored.values[0] for scored in scores.values()])
    print(f"seed {summary['seed']}: {name} {accuracy:.3f}; {result.stdout.strip().splitlines()[-1]}", flush=True)
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--python", nargs="*", default=[], metavar="NAME=PATH")
    options = parser.parse_args()
    pythons = dict(choice.split("=", 1) for choice in options.python)
    runs = by_seed(options.runs)
    here = {seed: scores_of_run(run) for seed, run in runs.items()}
    found: dict[str, dict[int, Scores]] = {name: {} for name in options.only}
    with tempfile.NamedTemporaryFile(suffix=".pth") as weights:
        state = create_backbone("tf_efficientnet_lite0", n_classes=2)[0].state_dict()
        torch.save({name: value for name, value in state.items() if not name.startswith("classifier")}, weights.name)
        for seed, run in runs.items():
            for name in options.only:
                found[name][seed] = compete(name, pythons.get(name, sys.executable), run, Path(weights.name), here[seed])
    print(
        f"{sum(map(len, here.values()))} predictions\n"
        "| | accuracy | log loss | accuracy, less here | log loss, less here |\n|---|---|---|---|---|"
    )
    print(f"| here | {describe(here, here)} |")
    for name, seeds in found.items():
        print(f"| {name} | {describe(seeds, here)} |")
