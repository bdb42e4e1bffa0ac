"""How time and memory of a training grow with photos, views and epochs.

    python benchmarks/growth.py FOLDER [--results growth.csv] [--output docs/growth.png]

``fit`` trains a new head on the frozen ``tf_efficientnet_lite0`` at 128 px, on copies of the photos
of ``FOLDER/<class>``, each moved by some pixels so that no two are equal. Seconds are of the whole
command, imports and evaluation included; memory is the most that the process held at a time (of it,
pages of the mapped file are the system's to take back). One run each; rows of ``--results`` that
are there already are not run again.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageChops
from rich.progress import track

PHOTOS, VIEWS, EPOCHS = (250, 500, 1000, 2000, 4000), (1, 2, 4, 8), (10, 20, 40)


RUNS = [
    *((n, 1, 10) for n in PHOTOS),
    *((1000, views, 10) for views in VIEWS[1:]),
    *((1000, 1, epochs) for epochs in EPOCHS[1:]),
]
"""Photos, views, epochs."""


COLUMNS = ["photos", "views", "epochs", "seconds", "peak_mb"]


Row = dict[str, float]


def make_photos(folder: Path, n: int, below: Path) -> None:
    """Write ``n`` photos, as many of each class."""
    classes = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    found = {path.name: sorted(file for file in path.iterdir() if file.suffix == ".jpg") for path in classes}
    for number in track(range(n), f"Making {n} photos", transient=True):
        name = classes[number % len(classes)].name
        turn, which = divmod(number // len(classes), len(found[name]))
        (below / name).mkdir(parents=True, exist_ok=True)
        image = Image.open(found[name][which])
        ImageChops.offset(image, 3 * turn, 2 * turn).save(below / name / f"{number}.jpg", quality=90)


def measure(photos: int, views: int, epochs: int, folder: Path) -> Row:
    """One run, in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        make_photos(folder, photos, Path(temporary) / "photos")
        command = [
            *(sys.executable, "-m", "posture_classifier", "fit", "--data.root", f"{temporary}/photos"),
            *("--model.backbone", "tf_efficientnet_lite0", "--model.image_size", "128", "--trainer.max_epochs", str(epochs)),
            *("--cache.views", str(views), "--trainer.default_root_dir", temporary, "--trainer.enable_progress_bar", "false"),
        ]
        start = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        )
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        seconds = time.perf_counter() - start
    row = (photos, views, epochs, round(seconds, 1), round(usage.ru_maxrss * 1024 / 1e6))
    return dict(zip(COLUMNS, row, strict=True))


def draw(rows: list[Row], output: Path) -> None:
    """Seconds above and megabytes below, by photos, by views and by epochs."""
    picture = Figure(figsize=(9, 4.6), layout="constrained")
    panels = picture.subplots(2, 3, sharey="row")
    for column, (name, kept) in enumerate((("photos", (None, 1, 10)), ("views", (1000, None, 10)), ("epochs", (1000, 1, None)))):
        fixed = {key: value for key, value in zip(COLUMNS[:3], kept, strict=True) if value is not None}
        chosen = sorted((row for row in rows if all(row[key] == value for key, value in fixed.items())), key=lambda row: row[name])
        for axes, figure in zip(panels[:, column], ("seconds", "peak_mb"), strict=True):
            axes.plot([row[name] for row in chosen], [row[figure] for row in chosen], "o-", color="#0072B2")
            axes.set(xlabel=name, ylim=(0, 1.1 * max(row[figure] for row in rows)))
            axes.grid(alpha=0.3)
        panels[0, column].set_title(
            ", ".join(f"{value} {key}" for key, value in fixed.items()).replace("1 views", "1 view"), fontsize=9
        )
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("peak memory, MB")
    picture.savefig(output, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, default=Path("growth.csv"))
    parser.add_argument("--output", type=Path, default=Path("docs/growth.png"))
    options = parser.parse_args()
    rows: list[Row] = []
    if options.results.exists():
        with options.results.open(newline="") as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    done = {tuple(row[key] for key in COLUMNS[:3]) for row in rows}
    for run in (run for run in RUNS if run not in done):
        rows.append(measure(*run, options.folder))
        print(", ".join(f"{key} {value:g}" for key, value in rows[-1].items()), flush=True)
        with options.results.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    draw(rows, options.output)
