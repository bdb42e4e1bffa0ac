"""Drawn folders for the tests of ``check``: a clean one, and one with every fault it knows."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFilter, ImageOps

from posture_classifier.check.finding import Finding
from posture_classifier.check.run_checks import Result, run_checks
from posture_classifier.data.folder import Photos
from posture_classifier.data.string_array import StringArray

CLASSES = ("circles", "squares")
Expected = dict[str, set[str]]
"""Kind of a finding: the paths that it must name."""


def scene(label: int, seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Circles (label 0) or squares (1) on a cloudy ground; no two seeds look alike."""
    generator = np.random.default_rng(seed)
    clouds = Image.fromarray(generator.integers(60, 200, (6, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(clouds)
    for _ in range(14):
        radius = int(generator.integers(6, 20))
        x, y = int(generator.integers(0, size[0])), int(generator.integers(0, size[1]))
        colour = tuple(generator.integers(0, 256, 3).tolist())
        (pen.ellipse if label == 0 else pen.rectangle)((x - radius, y - radius, x + radius, y + radius), colour, "black")
    grain = generator.integers(-12, 13, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(clouds).astype(np.int64) + grain).clip(0, 255).astype(np.uint8))


def draw_scenes(root: Path, each: int = 40, seed: int = 0) -> Path:
    """``each`` photos of either class, without a fault; names tell nothing."""
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for n in range(each):
            scene(label, seed + 2 * n + label).save(root / name / f"{2 * n + label:03}.jpg", quality=92)
    return root


def plant(root: Path) -> Expected:
    """Add every fault to ``draw_scenes``; returns what must be found, and nothing else may be."""
    expected = _bad_files(root) | _copies(root) | _odd_photos(root)
    expected["label_errors"] = {"squares/other_class.jpg"}
    for n in range(3):
        path = f"squares/9{n}.jpg"
        scene(0, 900 + n).save(root / path, quality=92)
        expected["label_errors"].add(path)
    return expected


def _bad_files(root: Path) -> Expected:
    folder, photo = root / "circles", scene(0, 800)
    whole = (folder / "000.jpg").read_bytes()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "pointer.jpg").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (folder / "page.jpg").write_text("<!DOCTYPE html><html>404</html>")
    (folder / "text.png").write_text("hello")
    (folder / ".hidden.jpg").write_bytes(whole)
    (folder / "notes.txt").write_text("hello")
    (root / "stray.jpg").write_bytes(whole)
    photo.save(folder / "a_png.jpg", "PNG")
    scene(0, 801).convert("P").save(folder / "a_gif.jpg", "GIF")
    scene(0, 802).save(folder / "moving.webp", save_all=True, append_images=[scene(0, 803)])
    scene(0, 804, (24, 18)).save(folder / "small.png")
    scene(0, 805, (720, 120)).save(folder / "long.jpg", quality=92)
    scene(0, 806, (960, 720)).save(folder / "large.jpg", quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(0, 807).save(folder / "turned.jpg", exif=exif, quality=92)
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 20.0, 0.0)})
    scene(0, 808).save(folder / "placed.jpg", exif=exif, quality=92)
    scene(0, 809).convert("CMYK").save(folder / "print.jpg", quality=92)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    scene(0, 810).save(folder / "profile.jpg", icc_profile=profile, quality=92)
    named = {
        "unreadable": ("empty.jpg", "truncated.jpg", "pointer.jpg", "page.jpg", "text.png"),
        "hidden_files": (".hidden.jpg",),
        "other_files": ("notes.txt",),
        "wrong_suffix": ("a_png.jpg", "a_gif.jpg"),
        "animated": ("moving.webp",),
        "too_small": ("small.png",),
        "extreme_aspect": ("long.jpg",),
        "odd_size": ("large.jpg", "small.png"),
        "exif_rotated": ("turned.jpg",),
        "gps_position": ("placed.jpg",),
        "unusual_colour_mode": ("print.jpg", "a_gif.jpg"),
        "unusual_colour_profile": ("profile.jpg",),
    }
    return {kind: {f"circles/{name}" for name in names} for kind, names in named.items()} | {"outside_classes": {"stray.jpg"}}


def _copies(root: Path) -> Expected:
    circles, squares = root / "circles", root / "squares"
    shutil.copy(circles / "002.jpg", circles / "same_bytes.jpg")
    shutil.copy(circles / "004.jpg", squares / "other_class.jpg")
    Image.open(circles / "006.jpg").save(circles / "same_pixels.png")
    Image.open(circles / "008.jpg").save(circles / "again.jpg", quality=60)
    Image.open(circles / "010.jpg").resize((120, 90)).save(circles / "resized.jpg", quality=92)
    ImageOps.mirror(Image.open(circles / "012.jpg")).save(circles / "mirrored.jpg", quality=92)
    Image.open(circles / "014.jpg").crop((8, 6, 152, 114)).save(circles / "cropped.jpg", quality=92)
    Image.open(squares / "001.jpg").transform((160, 120), Image.Transform.AFFINE, (0.93, 0, 5, 0, 0.93, 4)).save(
        squares / "next_frame.jpg", quality=92
    )
    return {
        "identical_files": {"circles/002.jpg", "circles/same_bytes.jpg", "circles/004.jpg", "squares/other_class.jpg"},
        "contradictory_labels": {"circles/004.jpg", "squares/other_class.jpg"},
        "identical_pixels": {"circles/006.jpg", "circles/same_pixels.png"},
        "copies": {"circles/008.jpg", "circles/again.jpg", "circles/010.jpg", "circles/resized.jpg"},
        "mirrored_copies": {"circles/012.jpg", "circles/mirrored.jpg"},
        "same_scene": {"circles/014.jpg", "circles/cropped.jpg", "squares/001.jpg", "squares/next_frame.jpg"},
    }


def _odd_photos(root: Path) -> Expected:
    folder = root / "squares"
    Image.new("RGB", (160, 120), (90, 110, 130)).save(folder / "empty_wall.jpg")
    dark = scene(1, 820)
    dark.point(lambda value: value // 6).save(folder / "night.jpg", quality=92)
    white = np.full((120, 160, 3), 255, dtype=np.uint8)
    white[40:80, 60:90] = np.asarray(scene(1, 821))[40:80, 60:90]
    Image.fromarray(white).save(folder / "flash.jpg", quality=92)
    scene(1, 822).filter(ImageFilter.GaussianBlur(6)).save(folder / "shaken.jpg", quality=92)
    return {
        "nearly_empty": {"squares/empty_wall.jpg"},
        "dark": {"squares/night.jpg"},
        "over_exposed": {"squares/flash.jpg"},
        "blurred": {"squares/shaken.jpg"},
    }


def draw_people(root: Path, people: int = 12, each: int = 5) -> Path:
    """``subject-03_07.jpg``: a person keeps the ground and most shapes, in both classes."""
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for person in range(people):
            wall = scene(label, 5000 + person, (320, 240))
            generator = np.random.default_rng(person)
            for n in range(each):
                left, top = int(generator.integers(0, 32)), int(generator.integers(0, 24))
                view = wall.crop((left, top, left + 288, top + 216)).resize((160, 120))
                view.save(root / name / f"subject-{person:02}_{label}{n}.jpg", quality=92)
    return root


def draw_bursts(root: Path, scenes: int = 24, each: int = 4) -> Path:
    """Random crops of scenes with classes by lot: there is nothing to learn but the scenes."""
    generator = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
    for n in range(scenes * each):
        wall = scene(0, 7000 + n // each, (320, 240))
        left, top = int(generator.integers(0, 24)), int(generator.integers(0, 18))
        folder = root / CLASSES[np.random.default_rng(n // each).integers(2)]
        wall.crop((left, top, left + 296, top + 222)).resize((160, 120)).save(folder / f"{n:03}.jpg", quality=92)
    return root


def no_progress(done: int, n: int) -> None:
    """Nobody looks at the progress."""


def check_folder(root: Path, pattern: str | None = None) -> Result:
    """Run all checks on a folder."""
    return run_checks(root, pattern, no_progress)


def kinds(result: Result, *severities: str) -> set[str]:
    """Kinds of the findings, of all severities or of some."""
    return {finding.kind for finding in result.findings if not severities or finding.severity in severities}


def finding_of(result: Result, kind: str) -> Finding:
    """The first finding of a kind, which must be there."""
    return next(finding for finding in result.findings if finding.kind == kind)


def make_photos(labels: list[int], groups: list[str] | None = None, splits: list[str] | None = None) -> Photos:
    """An index of photos that do not exist."""
    n = len(labels)
    paths = [f"c{label}/{index}.jpg" for index, label in enumerate(labels)]
    return Photos(
        root=Path("photos"),
        classes=("c0", "c1"),
        paths=StringArray(paths),
        labels=np.array(labels),
        groups=StringArray(groups or paths),
        splits=np.array(splits or [""] * n, dtype="<U5"),
        grouped=groups is not None,
        rows=np.arange(n),
    )
