"""Photos of one scene are one group."""

import csv
from pathlib import Path

import numpy as np

from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.scan.near_duplicates import connect
from posture_classifier.data.scan.scene_groups import merge_similar, scene_groups
from tests.helpers.bursts import draw_bursts
from tests.helpers.program import fit_arguments


def scene_of(path: str) -> str:
    return path.split("_")[1]


def test_a_burst_is_one_group(tmp_path: Path) -> None:
    photos = read_folder(draw_bursts(tmp_path / "bursts", 10, 5))
    groups = scene_groups(photos)
    pairs = {(scene_of(path), group) for path, group in zip(photos.paths.tolist(), groups.tolist(), strict=True)}
    assert len(pairs) == len(set(groups.tolist())) == 10
    backwards = np.arange(len(photos))[::-1]
    assert scene_groups(photos.select(backwards)).tolist() == groups[backwards].tolist()


def test_links_are_followed() -> None:
    angles = np.array([0.0, 0.3, 0.6, 3.0, 3.1, 4.7])
    features = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    assert merge_similar(features, np.arange(6)).tolist() == [0, 0, 0, 3, 3, 5]
    assert merge_similar(features, connect(6, [(5, 4)])).tolist() == [0, 0, 0, 3, 3, 3], "what pixels have joined stays together"


def test_clusters_need_no_pattern_in_fit(tmp_path: Path) -> None:
    root = draw_bursts(tmp_path / "bursts", 8, 2)
    call = fit_arguments(root, tmp_path, 1)
    assert main([*call, "--data.group_pattern", "null", "--data.group_by", "cluster"]) == 0
    with (tmp_path / "lightning_logs" / "bursts" / "version_0" / "split.csv").open() as file:
        assert len({(scene_of(row["path"]), row["split"]) for row in csv.DictReader(file)}) == 8
