"""The parts of ``check``, by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from posture_classifier.check.digest_check import check_digests
from posture_classifier.check.finding import SEVERITIES, Finding, Severity, exit_code
from posture_classifier.check.label_errors import find_suspects
from posture_classifier.check.sample import join_groups
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import aligned_correlation, perceptual_hash
from posture_classifier.data.sessions import session_names
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.exif import Shot
from posture_classifier.images.facts import identify, read_facts
from tests.helpers.check_folders import scene


def photos(labels: list[int], groups: list[str] | None = None, splits: list[str] | None = None) -> Photos:
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


@given(st.lists(st.sampled_from(SEVERITIES)))
def test_the_gravest_finding_is_the_exit_code(severities: list[Severity]) -> None:
    code = exit_code([Finding("kind", severity, "text") for severity in severities])
    assert code == max(({"error": 2, "warning": 1, "note": 0}[severity] for severity in severities), default=0)


def test_confident_learning_by_hand() -> None:
    """Thresholds are the mean self-confidences, 0.65 and 0.7: only the third photo is counted as the other class."""
    probabilities = np.array([[0.9, 0.1], [0.85, 0.15], [0.2, 0.8], [0.3, 0.7], [0.3, 0.7], [0.4, 0.6]])
    assert find_suspects(np.array([0, 0, 0, 1, 1, 1]), probabilities).tolist() == [2]


def test_what_shares_a_group_or_a_cluster_stays_together() -> None:
    """Photo 1 is a copy of photo 2, so the groups a and b are one; c is alone."""
    assert join_groups(photos([0] * 5, ["a", "a", "b", "b", "c"]), np.array([0, 1, 1, 3, 4])).tolist() == [0, 0, 0, 0, 4]


def test_a_session_ends_with_a_pause_or_another_camera() -> None:
    shots = [Shot("B", 4001.0), Shot("A", 0.0), Shot("A", 600.0), Shot("A", math.nan), Shot("A", 4000.0)]
    first = "A 1970-01-01 00:00:00"
    assert session_names(shots) == ["B 1970-01-01 01:06:41", first, first, None, "A 1970-01-01 01:06:40"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".heic"])
@pytest.mark.parametrize("position", [{1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 20.0, 0.0)}, {}])
def test_a_position_is_more_than_a_place_for_one(tmp_path: Path, suffix: str, position: dict[int, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1  # Pillow writes a PNG no EXIF without an entry of its own
    exif.get_ifd(0x8825).update({0: b"\2\3\0\0"} | position)  # the version, which many cameras write alone
    path = tmp_path / f"a{suffix}"
    scene(0, 1).save(path, exif=exif)
    assert read_facts(path, identify(path))[0].gps == bool(position)


@pytest.mark.parametrize("quality", [20, 30, 50, 75, 90, 95])
def test_jpeg_quality_is_read_from_the_table(tmp_path: Path, quality: int) -> None:
    scene(0, 1).save(tmp_path / "a.jpg", quality=quality)
    assert read_facts(tmp_path / "a.jpg", identify(tmp_path / "a.jpg"))[0].quality == pytest.approx(quality, abs=1)


def sketch(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 500))
def test_the_hash_knows_a_copy_and_no_other(seed: int) -> None:
    image = scene(0, seed)
    smaller, mirrored, other = image.resize((100, 75)), ImageOps.mirror(image), scene(0, seed + 1)
    hashes = perceptual_hash(np.stack([sketch(picture) for picture in (image, smaller, mirrored, other)]))
    distances = np.bitwise_count(hashes ^ hashes[0])
    assert distances[1] <= 6
    assert distances[2:].min() > 6


def test_a_crop_is_found_in_its_photo_and_in_no_other() -> None:
    whole = scene(0, 1, (320, 240))
    crop = whole.crop((20, 10, 300, 220))
    assert aligned_correlation(sketch(whole), sketch(crop)) > 0.98
    assert aligned_correlation(sketch(scene(0, 2, (320, 240))), sketch(crop)) < 0.9


def test_the_quick_part_in_one_line() -> None:
    splits = ["train", "train", "val", "test"]
    fine = "no file is a copy, and no photo in two classes or splits; no groups are named"
    assert check_digests(photos([0, 0, 1, 1], splits=splits), np.array([1, 2, 3, 4])) == (fine, True)
    said, fine_too = check_digests(photos([0, 0, 1, 1], ["a", "a", "b", "c"], splits), np.array([1, 1, 1, 4]))
    assert not fine_too
    assert "2 files are copies of others; 1 photo is in more than one class; 1 val and 0 test photos are also in another" in said
    assert "group a has 50% of all photos" in said
