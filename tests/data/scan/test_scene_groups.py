"""Photos of one scene are one group, and photos that only look alike are not."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.doubted_scenes import findings
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.module import PostureData
from posture_classifier.data.scan.scene_groups import doubted_scenes, scene_groups
from posture_classifier.data.scan.scene_pairs import scene_pairs
from tests.helpers.bursts import draw_bursts
from tests.helpers.check_folders import no_progress
from tests.helpers.look_alikes import draw_look_alikes
from tests.helpers.photos import photos_of
from tests.helpers.program import fit_arguments
from tests.helpers.videos import draw_videos


def scene_of(path: str) -> str:
    return path.split("_")[1]


def test_a_burst_is_one_group(tmp_path: Path) -> None:
    photos = read_folder(draw_bursts(tmp_path / "bursts", 10, 5))
    groups = scene_groups(photos)
    pairs = {(scene_of(path), group) for path, group in zip(photos.paths.tolist(), groups.tolist(), strict=True)}
    assert len(pairs) == len(set(groups.tolist())) == 10
    backwards = np.arange(len(photos))[::-1]
    assert scene_groups(photos.select(backwards)).tolist() == groups[backwards].tolist()


def test_skies_and_flowers_are_scenes_of_their_own(tmp_path: Path) -> None:
    """All skies, and all flowers, were one scene each, of three classes."""
    photos = read_folder(draw_look_alikes(tmp_path / "drawn", 10))
    groups = scene_groups(photos)
    assert max(Counter(groups.tolist()).values()) <= 2
    assert not doubted_scenes(photos, groups)


def test_a_cloud_of_look_alikes_is_no_scene_but_bursts_in_it_are() -> None:
    generator = np.random.default_rng(0)
    styles = np.repeat(5 * generator.normal(0, 1, (2, 64)), 60, axis=0)
    scenes = np.where(np.arange(120) < 60, np.arange(120), 60 + np.arange(120) // 4)
    looks = 2 * generator.normal(0, 1, (120, 64))[scenes] + 0.3 * generator.normal(0, 1, (120, 64))
    features = styles + looks
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    assert (features[:60] @ features[:60].T).min() > 0.6, "every pair was joined"
    sketches = generator.integers(0, 256, (120, 64, 64), dtype=np.uint8)[scenes]
    pairs = scene_pairs(features.astype(np.float32), sketches, np.arange(120))
    assert {(scenes[one], scenes[other]) for one, other in pairs.tolist()} == {(scene, scene) for scene in np.unique(scenes[60:])}


@pytest.mark.slow
def test_a_video_is_one_scene_which_a_person_has_to_look_at(tmp_path: Path) -> None:
    photos = read_folder(draw_videos(tmp_path / "videos", 3, 30))
    with pytest.warns(UserWarning, match=r"3 scenes of data.group_by cluster .*29 others \(normal, turtle\)"):
        groups = PostureData(str(photos.root), group_by="cluster").choice.indexed.groups.tolist()
    people = [Path(path).name.split("_")[0] for path in photos.paths.tolist()]
    assert len(set(groups)) == len(set(zip(groups, people, strict=True))) == 3
    (finding,) = findings(CheckedFolder(photos, no_progress))
    assert (finding.severity, finding.values) == ("note", {"scenes": 3, "largest": 30, "photos": 90})
    assert finding.captions == ["normal and turtle"] * 3
    assert not findings(CheckedFolder(read_folder(photos.root, "[a-z]+_"), no_progress)), "the groups are named: the way out"


def test_scenes_of_two_classes_or_over_a_tenth_are_doubted() -> None:
    photos = photos_of([[0] * 4, [0, 1, 1], [0, 1], [1] * 3, *[[0]] * 20], 2)
    found = doubted_scenes(photos, np.asarray(photos.groups))
    assert [(len(scene.members), scene.classes) for scene in found] == [(4, ["class0"]), (3, ["class0", "class1"])]


def test_clusters_need_no_pattern_in_fit(tmp_path: Path) -> None:
    root = draw_bursts(tmp_path / "bursts", 12, 2)
    call = fit_arguments(root, tmp_path, 1)
    call += ["--data.val_fraction", "0.3", "--data.test_fraction", "0.3"]
    assert main([*call, "--data.group_pattern", "null", "--data.group_by", "cluster"]) == 0
    with (tmp_path / "lightning_logs" / "bursts" / "version_0" / "split.csv").open() as file:
        assert len({(scene_of(row["path"]), row["split"]) for row in csv.DictReader(file)}) == 12
