"""Makes run folders as ``fit`` leaves them, without a training."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from posture_classifier.utils.types import Ints

CLASSES = ("left", "right")


def write_table(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


def settings(backbone: str = "test_resnet", seed: int = 0, **data: Any) -> dict[str, Any]:
    return {
        "seed_everything": seed,
        "trainer": {"max_epochs": 2, "callbacks": None, "default_root_dir": None},
        "model": {"backbone": backbone, "image_size": 32, "learning_rate": 0.001},
        "data": {"root": "photos", "split": "split.csv", "batch_size": 8, "folds": None, "fold": None} | data,
        "experiment": None,
        "ckpt_path": None,
    }


def make_run(
    folder: Path, right: npt.NDArray[np.bool_], each: int = 5, config: dict[str, Any] | None = None, labels: Ints | None = None
) -> Path:
    """Make a run folder.

    Args:
        folder: Where.
        right: (N,) whether the prediction for a photo is right.
        each: Number of photos in a group.
        config: Its ``config.yaml``; None is ``settings()``.
        labels: (N,) the photos' classes, 0 or 1; None is the two in turn.
    """
    n = len(right)
    of = np.arange(n) % 2 if labels is None else labels
    paths = [f"{CLASSES[of[i]]}/person{i // each:03}_{i:04}.png" for i in range(n)]
    groups = [f"person{i // each:03}" for i in range(n)]
    rows = []
    for i in range(n):
        sure = 0.6 + 0.3 * (i % 7) / 6
        shares = [sure, 1 - sure] if (of[i] == 0) == right[i] else [1 - sure, sure]
        rows.append([paths[i], groups[i], CLASSES[of[i]], *shares])
    write_table(folder / "test" / "predictions.csv", ["path", "group", "label", *CLASSES], rows)
    tested = [[path, "test", path.split("/")[0], group] for path, group in zip(paths, groups, strict=True)]
    write_table(folder / "split.csv", ["path", "split", "label", "group"], [["left/x.png", "train", "left", "x"], *tested])
    curves = [[epoch, 1.5, 2, 0.7 - 0.1 * epoch, 0.8 - 0.1 * epoch, 0.6 + 0.1 * epoch, 0.6] for epoch in range(2)]
    head = ["epoch", "seconds", "stages_open", "train/loss", "val/loss", "val/accuracy", "val/f1"]
    write_table(folder / "metrics.csv", head, curves)
    (folder / "config.yaml").write_text(yaml.safe_dump(config or settings()))
    return folder


def make_folds(folder: Path, right: npt.NDArray[np.bool_], n_folds: int = 4, each: int = 5, root: str = "photos") -> Path:
    """Make the folder of a cross-validation whose runs were removed.

    Args:
        folder: Where.
        right: (N,) whether the prediction for a photo is right.
        n_folds: Number of folds; groups go to them in turn.
        each: Number of photos in a group.
        root: Folder of the photos.
    """
    run = make_run(folder / "run", right, each)
    with (run / "test" / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = {group: number % n_folds for number, group in enumerate(sorted({row["group"] for row in rows}))}
    cells = [[row["path"], row["group"], numbers[row["group"]], row["label"], *(row[name] for name in CLASSES)] for row in rows]
    write_table(folder / "predictions.csv", ["path", "group", "fold", "label", *CLASSES], cells)
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings(folds=n_folds, split=None, root=root)))
    shutil.rmtree(run)
    return folder


def some_right(share: float, seed: int, n: int = 100) -> npt.NDArray[np.bool_]:
    """Which of n predictions are right, (n,); runs with different seeds agree in part.

    Args:
        share: The share of right predictions, roughly.
        seed: Seed of the run's own part; the other part belongs to the photo.
        n: Number of photos.
    """
    hard = np.random.default_rng(99).random(n)
    own = np.random.default_rng(seed).random(n)
    return np.asarray((hard + own) / 2 < share)


def finish_run(folder: Path, right_of_validation: npt.NDArray[np.bool_] | None = None, grouped: bool = True) -> Path:
    """Add what a report reads beside: ``summary.json``, and perhaps ``val/predictions.csv``.

    Args:
        folder: The folder of the run.
        right_of_validation: (N,) whether the prediction for a validation photo is right; None makes
            no such photos.
        grouped: Whether groups were named.
    """
    with (folder / "test" / "predictions.csv").open(encoding="utf-8") as file:
        groups = [row["group"] for row in csv.DictReader(file)]
    size = {"images": len(groups), "groups": len(set(groups)) if grouped else None}
    facts = {"split": "test", "classes": list(CLASSES), "seed": 0, "backbone": "test_resnet", "weights": "random", "parameters": 9}
    facts |= {"phases": [], "device": "cpu", "precision": "32-true", "versions": {}, "splits": {"test": size}}
    (folder / "summary.json").write_text(json.dumps(size | facts))
    if right_of_validation is not None:
        other = make_run(folder / "other", right_of_validation)
        (folder / "val").mkdir()
        (other / "test" / "predictions.csv").rename(folder / "val" / "predictions.csv")
    return folder
