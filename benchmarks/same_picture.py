"""How often ``check`` takes two files for one picture: re-encodings, and neighbouring video frames.

    python -m benchmarks.same_picture data/turtle_neck FOLDER ... [--photos 40] [--planted 20]

Each photo is saved again in many ways, each made video is drawn at several speeds and qualities,
and each photo is taken twice by a camera with noise that lies still. Prints rows of a table: how
many pairs are said to show one picture, how many of one size have plainly moved by their sketches
alone, the least of their correlation at 32 pixels, by which frames and re-encodings were told apart
before, and the ends of what is measured now.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from shutil import copyfile, copytree
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageEnhance

from posture_classifier.check.run_checks import run_checks
from posture_classifier.check.same_picture import differences, plainly_moved, read_grey, same_picture
from posture_classifier.images.decode import decode
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.videos import draw_video

QUALITIES = (30, 50, 60, 75, 85, 95)
SCALES = (0.5, 0.75, 1.5)
BRIGHTNESS = (0.8, 1.2)
LARGEST = 1024
"""Pixels of the longer side from which a photo is left out, to keep it short."""
read = partial(read_grey, white=FULL_RANGE)
Pair = tuple[Path, Path]


def saved(image: Image.Image, path: Path, quality: int) -> Path:
    """Save a JPEG and return its path."""
    image.save(path, quality=quality)
    return path


def saved_again(photos: list[Path], folder: Path) -> Iterator[tuple[str, list[Pair]]]:
    """Pairs of each photo and what a program made of it, by what was done."""
    images = [decode(path) for path in photos]
    copies = [folder / f"copy{number}.jpg" for number in range(len(photos))]

    def pairs(made: list[Image.Image], quality: int) -> list[Pair]:
        return [(path, saved(image, copy, quality)) for path, image, copy in zip(photos, made, copies, strict=True)]

    for quality in QUALITIES:
        yield f"JPEG quality {quality}", pairs(images, quality)
    for scale in SCALES:
        resized = [
            image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS) for image in images
        ]
        yield f"resized to {scale:g}, quality 90", pairs(resized, 90)
    for factor in BRIGHTNESS:
        yield f"brightness {factor:g}, quality 90", pairs([ImageEnhance.Brightness(image).enhance(factor) for image in images], 90)


def taken_twice(photos: list[Path], folder: Path, noise: float) -> list[Pair]:
    """Two frames of each photo by a camera that lies still; its noise differs, nothing moves."""
    generator = np.random.default_rng(0)
    result = []
    for number, path in enumerate(photos):
        pixels = np.asarray(decode(path)).astype(np.float32)
        frames = [np.clip(pixels + generator.normal(0, noise, pixels.shape), 0, 255).astype(np.uint8) for _ in range(2)]
        one, two = (saved(Image.fromarray(frame), folder / f"{number}_{k}.jpg", 90) for k, frame in enumerate(frames))
        result.append((one, two))
    return result


def neighbours(people: int, frames: int, quality: int, folder: Path) -> list[Pair]:
    """Successive frames of drawn videos."""
    result = []
    for person in range(people):
        pictures, _ = draw_video(frames, seed=1000 + person)
        paths = [saved(picture, folder / f"{person}_{number:04}.jpg", quality) for number, picture in enumerate(pictures)]
        result += list(pairwise(paths))
    return result


def describe(name: str, pairs: list[Pair]) -> str:
    """A row of the table."""
    same = sum(same_picture(one, other, read) for one, other in pairs)
    images = [[read(path) for path in pair] for pair in pairs]
    found = [each for one, other in images if (each := differences(one, other)) is not None]
    sketches = [[np.asarray(image.resize((64, 64), Image.Resampling.BOX)) for image in pair] for pair in images]
    sizes = [[Image.open(path).size for path in pair] for pair in pairs]
    moved_plainly = sum(size[0] == size[1] and plainly_moved(*sketch) for size, sketch in zip(sizes, sketches, strict=True))
    small = [[np.asarray(image.resize((32, 32), Image.Resampling.BOX)).ravel() for image in pair] for pair in images]
    correlation = min(float(np.corrcoef(one, other)[0, 1]) for one, other in small)
    moved, detail = (np.quantile([getattr(each, name) for each in found], (0.02, 0.98)) for name in ("moved", "new_detail"))
    return (
        f"| {name} | {same} of {len(pairs)} | {moved_plainly} | {correlation:.3f} | {moved[0]:.3f} to {moved[1]:.3f} | "
        f"{detail[0]:.2f} to {detail[1]:.2f} |"
    )


def planted(root: Path, folder: Path, n: int) -> str:
    """Plant copies in other classes of a copied folder, and say how many ``check`` finds."""
    copied = Path(copytree(root, folder / root.name))
    classes = sorted(path for path in copied.iterdir() if path.is_dir())
    photos = [
        path for path in sorted(copied.glob("*/*")) if path.suffix.lower() == ".jpg" and max(Image.open(path).size) <= LARGEST
    ]
    wanted: dict[str, set[str]] = {"equal bytes": set(), "saved again at quality 60": set()}
    for number, index in enumerate(np.random.default_rng(0).permutation(len(photos))[: 2 * n].tolist()):
        path = photos[index]
        other = classes[(classes.index(path.parent) + 1) % len(classes)] / f"planted{number}.jpg"
        how = list(wanted)[number % 2]
        _ = copyfile(path, other) if how == "equal bytes" else saved(Image.open(path), other, 60)
        wanted[how].add(str(other.relative_to(copied)))
    findings = run_checks(copied, None, lambda done, n: None).findings
    pairs = next(finding.photos for finding in findings if finding.kind == "contradictory_labels")
    found = {path for pair in pairs for path in pair}
    excluded = {path for finding in findings for path in finding.exclude}
    told = [f"{len(paths & found)} of {n} ({len(paths & excluded)} on the fix list)" for paths in wanted.values()]
    return f"| {root.name} | {' | '.join(told)} | {sum('planted' not in ' '.join(pair) for pair in pairs)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=40, help="Photos of each folder.")
    parser.add_argument("--planted", type=int, metavar="N", help="Instead, plant N copies of each kind and run check.")
    options = parser.parse_args()
    if options.planted:
        print("| planted in another class | equal bytes | saved again at quality 60 | other contradictions |\n|---|---|---|---|")
        with TemporaryDirectory() as name:
            for root in options.folders:
                print(planted(root, Path(name), options.planted), flush=True)
        return
    print("| pairs | one picture | plainly moved | least correlation | moved | new detail |\n|---|---|---|---|---|---|")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for root in options.folders:
            paths = [
                path for path in sorted(root.rglob("*")) if path.suffix.lower() == ".jpg" and max(Image.open(path).size) <= LARGEST
            ]
            photos = [paths[index] for index in np.random.default_rng(0).permutation(len(paths))[: options.photos]]
            for what, pairs in saved_again(photos, folder):
                print(describe(f"{root.name}, {what}", pairs), flush=True)
            for noise in (1, 2):
                print(describe(f"{root.name}, taken twice, noise {noise}", taken_twice(photos, folder, noise)), flush=True)
        for frames in (20, 60, 200, 600):
            for quality in (90, 60, 30):
                print(describe(f"videos of {frames} frames, quality {quality}", neighbours(4, frames, quality, folder)), flush=True)


if __name__ == "__main__":
    main()
