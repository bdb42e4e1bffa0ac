"""How well ``data.group_by cluster`` tells scenes: precision and recall of pairs, on made sets.

    python -m benchmarks.scenes DATA_FOLDER WORK_FOLDER

DATA_FOLDER holds ``sign_digits`` and ``trashnet``. A pair is two photos; precision is the share of
the pairs in one group that show one scene, recall the share of the pairs of one scene that are in
one group. Bursts are random crops of a photo, mirrored and of other brightness; in the other sets
each photo, or each video, is a scene.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from posture_classifier.data.scan.near_duplicates import connect, find_links
from posture_classifier.data.scan.scan import Scan, scan_photos
from posture_classifier.data.scan.scene_groups import find_scenes
from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.utils.types import Ints
from tests.helpers.bursts import draw_handheld, draw_shot
from tests.helpers.look_alikes import draw_look_alikes
from tests.helpers.program import REPOSITORY
from tests.helpers.videos import draw_videos

Made = tuple[list[Path], list[str]]
"""Files, and the scene that each shows."""
Draw = Callable[[Image.Image, np.random.Generator], Image.Image]
SHOTS: dict[str, Draw] = {
    "crops of 0.85 and more": draw_shot,
    "crops of 0.7 and more": partial(draw_shot, least=0.7),
    "from the hand": draw_handheld,
}


def single_linkage(scan: Scan, clusters: Ints) -> Ints:
    """Join as earlier versions did: every pair at a threshold, whatever else resembles it."""
    plain, centred = scan.features, _unit(scan.features - scan.features.mean(0))
    for (rows, cosine), (_, cosine_plain) in zip(similarity_blocks(centred), similarity_blocks(plain), strict=True):
        similar = (cosine >= 0.6) | (cosine_plain >= 0.95)
        first, second = np.nonzero(similar & (clusters[rows, None] != clusters))
        clusters = connect(len(clusters), np.stack([clusters[rows][first], clusters[second]], axis=1))[clusters]
    return clusters


def _unit(vectors: Features) -> Features:
    result: Features = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return result


def pictures(data: Path) -> dict[str, list[Path]]:
    """One photo of each bundled person; TrashNet without its known copies; every tenth hand."""
    people = [next(REPOSITORY.glob(f"data/turtle_neck/*/subject-{person:02}_00.jpg")) for person in range(72)]
    waste = sorted((data / "trashnet").glob("*/*.jpg"))
    # Neighbours in number are one student's hand, so a photo of every student but one is left out.
    hands = sorted((data / "sign_digits").glob("*/*.JPG"), key=lambda path: path.name)[::10]
    return {"bundled": people, "TrashNet": waste, "hands": hands}


def burst(root: Path, photos: list[Path], shots: int, draw: Draw) -> Made:
    """Draw a burst of each photo."""
    root.mkdir(parents=True, exist_ok=True)
    files = []
    for number, photo in enumerate(photos):
        generator = np.random.default_rng(number)
        for shot in range(shots):
            files.append(root / f"{number:04}_{shot:02}.jpg")
            if not files[-1].exists():
                draw(Image.open(photo).convert("RGB"), generator).save(files[-1], quality=int(generator.integers(70, 95)))
    return files, [file.name[:4] for file in files]


def alone(photos: list[Path]) -> Made:
    """Photos of a scene each."""
    return photos, [str(photo) for photo in photos]


def videos(root: Path, people: int, frames: int) -> Made:
    """Draw a video of each person."""
    if not root.exists():
        draw_videos(root, people, frames)
    files = sorted(root.glob("*/*.jpg"))
    return files, [file.name.split("_")[0] for file in files]


def look_alikes(root: Path, each: int) -> Made:
    """Draw skies and flowers."""
    if not root.exists():
        draw_look_alikes(root, each)
    return alone(sorted(root.glob("*/*.jpg")))


def made_sets(data: Path, work: Path) -> Iterator[tuple[str, Made]]:
    """Yield the name of each set, and the set."""
    found = pictures(data)
    some = {name: photos[:: len(photos) // 60][:60] for name, photos in found.items()}
    for how, draw in SHOTS.items():
        for name, photos in some.items():
            yield f"60 bursts of 6, {how}, {name}", burst(work / f"{name} {how}", photos, 6, draw)
    mixed = some["bundled"][:20] + some["TrashNet"][:20] + some["hands"][:20]
    yield "20 bursts of 6 crops of each of these, in one folder", burst(work / "mixed", mixed, 6, draw_shot)
    others = alone(found["TrashNet"][400:600])
    for how, draw in SHOTS.items():
        yield (
            f"5 bursts of 40, {how}, TrashNet, among 200 others",
            _join(burst(work / f"long {how}", some["TrashNet"][:5], 40, draw), others),
        )
    yield "videos of 3 people, 200 frames each", videos(work / "videos3", 3, 200)
    yield "videos of 12 people, 60 frames each", videos(work / "videos12", 12, 60)
    everyone = sorted(REPOSITORY.glob("data/turtle_neck/*/*.jpg"))
    yield "the bundled photos, as if each person were a scene", (everyone, [photo.name.split("_")[0] for photo in everyone])
    yield "826 photos of TrashNet, each alone", alone(found["TrashNet"])
    yield "206 hands, each alone", alone(found["hands"])
    yield "72 bundled people, each alone", alone(found["bundled"])
    yield "hands, people and 200 of TrashNet, each alone", alone(found["hands"] + found["bundled"] + found["TrashNet"][::4])
    drawn = look_alikes(work / "look_alikes", 60)
    yield "180 drawn skies and 180 drawn flowers, each alone", drawn
    yield (
        "these, 200 of TrashNet and 20 bursts of hands",
        _join(_join(drawn, alone(found["TrashNet"][::4])), burst(work / "twenty", some["hands"][:20], 6, draw_shot)),
    )


def _join(one: Made, other: Made) -> Made:
    return one[0] + other[0], one[1] + other[1]


def pairs(labels: Ints) -> int:
    """Count the pairs of equal labels."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def describe(groups: Ints, scenes: Ints) -> str:
    """Precision, recall, and the size of the largest group."""
    both = pairs(np.unique(np.stack([groups, scenes]), axis=1, return_inverse=True)[1].ravel())
    joined, true = pairs(groups), pairs(scenes)
    precision = f"{both / joined:.3f}" if true and joined else "-"
    recall = f"{both / true:.3f}" if true else "-"
    return f"{precision} | {recall} | {joined - both} | {np.unique(groups, return_counts=True)[1].max()}"


def main() -> None:
    """Print a row of the table for each set and each rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path, help="Where sets are drawn; they stay there.")
    options = parser.parse_args()
    rules: dict[str, Callable[[Scan, Ints], Ints]] = {"single linkage": single_linkage, "here": find_scenes}
    print("| photos | rule | precision | recall | wrong pairs | largest group |\n|---|---|---:|---:|---:|---:|")
    for name, (files, scene_names) in made_sets(options.data, options.work):
        scan = scan_photos(files, lambda done, n: None)
        clusters = connect(len(files), [(link.first, link.second) for link in find_links(scan)])
        scenes = np.unique(scene_names, return_inverse=True)[1]
        for rule, find in rules.items():
            print(
                f"| {name} ({len(files)}, {scenes.max() + 1} scenes) | {rule} | {describe(find(scan, clusters), scenes)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
