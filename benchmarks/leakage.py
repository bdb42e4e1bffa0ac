"""Draw what random folds hide, from the summaries of cross-validations.

    python benchmarks/leakage.py --one_posture FOLDER    # half of the photos, one posture each
    python benchmarks/leakage.py --plot FIGURE.png NAME=CROSSVAL_FOLDER ...

The folders were written by ``crossval --compare_splits``; the commands are in
docs/honest_results.md.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from matplotlib.figure import Figure

PHOTOS = Path(__file__).parents[1] / "data" / "turtle_neck"


WAYS = (("photos at random", "tab:orange", -0.09), ("people never seen", "tab:blue", 0.09))


def one_posture(folder: Path) -> None:
    """Copy the photos of even subjects in normal posture and of odd ones with a turtle neck."""
    for rest, name in enumerate(("normal", "turtle_neck")):
        (folder / name).mkdir(parents=True)
        for photo in sorted((PHOTOS / name).glob("*.jpg")):
            found = re.match(r"subject-(\d+)", photo.name)
            if found and int(found[1]) % 2 == rest:
                shutil.copy(photo, folder / name)


def draw(named: dict[str, Path], path: Path) -> None:
    """Accuracy with its 95 % interval, of folds at random and of folds of people, side by side."""
    picture = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = picture.add_subplot()
    labels = []
    for x, (name, folder) in enumerate(named.items()):
        summary = json.loads((folder / "summary.json").read_text())
        for figure, (way, color, shift) in zip((summary["random"]["accuracy"], summary["accuracy"]), WAYS, strict=True):
            spread = [[figure["value"] - figure["low"]], [figure["high"] - figure["value"]]]
            axes.errorbar(x + shift, figure["value"], spread, fmt="o", color=color, capsize=4, label=way if x == 0 else None)
            side = "right" if shift < 0 else "left"
            axes.text(x + 1.3 * shift, figure["value"], f"{figure['value']:.3f}", ha=side, va="center")
        labels.append(f"{name}\n{summary['images']} photos of {summary['groups']} people")
    axes.axhline(0.5, color="grey", linestyle=":", linewidth=1)
    axes.text(-0.45, 0.505, "guessing", color="grey", fontsize=8)
    axes.set_xticks(range(len(labels)), labels)
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(0.4, 1), ylabel="accuracy of 5 folds, 95 % interval")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="upper left")
    picture.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--one_posture", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("named", nargs="*", help="NAME=CROSSVAL_FOLDER")
    options = parser.parse_args()
    if options.one_posture:
        one_posture(options.one_posture)
    if options.plot:
        draw({name: Path(folder) for name, _, folder in (word.partition("=") for word in options.named)}, options.plot)
