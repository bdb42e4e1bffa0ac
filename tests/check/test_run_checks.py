"""``check`` finds every planted fault, invents none, and survives what ``fit`` refuses."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posture_classifier.check.duplicate_clusters import KINDS
from posture_classifier.check.run_checks import Result
from posture_classifier.cli.program import main
from posture_classifier.data.scan.features import FeatureExtractor
from posture_classifier.data.scan.scene_groups import scene_groups
from tests.helpers.check_folders import Expected, check_folder, draw_scenes, finding_of, kinds, plant, scene

ALLOWED = {"outliers", "groups"}
"""Notes that planted faults give rise to: a photo of another size may well be unlike the others."""
Planted = tuple[Path, Expected, Result]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A folder with every fault, what must be found in it, and what is."""
    root = draw_scenes(tmp_path_factory.mktemp("check") / "planted")
    expected = plant(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = check_folder(root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before, "no photo is changed"
    return root, expected, result


def test_every_planted_fault_is_found_and_none_invented(planted: Planted) -> None:
    _, expected, result = planted
    found = {finding.kind: {path for cluster in finding.photos for path in cluster} for finding in result.findings}
    for kind, wanted in expected.items():
        right = len(wanted & found.get(kind, set()))
        print(f"{kind}: precision {right}/{len(found.get(kind, set()))}, recall {right}/{len(wanted)}")
    assert {kind: paths for kind, paths in found.items() if kind not in ALLOWED} == expected


def test_what_belongs_together_is_one_group_of_cluster(planted: Planted) -> None:
    """``data.group_by cluster`` keeps each cluster of copies that ``check`` reports together."""
    _, _, result = planted
    photos = result.photos.select(np.flatnonzero(~np.isin(result.photos.paths, list(finding_of(result, "unreadable").exclude))))
    group = dict(zip(photos.paths.tolist(), scene_groups(photos).tolist(), strict=True))
    clusters = [cluster for kind in KINDS for cluster in finding_of(result, kind).photos]
    assert len(clusters) == 8
    assert all(len({group[path] for path in cluster}) == 1 for cluster in clusters)


def test_broken_folders_are_findings(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    (root / "empty").mkdir()
    (root / "circles" / "folder.jpg").mkdir()
    assert finding_of(check_folder(root, "(circles"), "folder_layout").values == {"empty_classes": ["empty"]}
    assert "group_pattern" in kinds(check_folder(root, "(circles"), "error")
    assert finding_of(check_folder(root, "nobody"), "group_pattern").severity == "error"
    shutil.rmtree(root / "squares")
    shutil.rmtree(root / "empty")
    one_class = finding_of(check_folder(root), "folder_layout")
    assert (one_class.severity, one_class.values) == ("error", {"empty_classes": []})
    assert "circles" in one_class.text
    for path in (root / "circles").glob("*.jpg"):
        path.rmdir() if path.is_dir() else path.write_bytes(b"")
    assert {"folder_layout", "unreadable"} <= kinds(check_folder(root), "error")
    shutil.rmtree(root / "circles")
    assert main(["check", str(root)]) == 2, "an empty folder"


def test_a_second_look_computes_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    computed: list[int] = []
    extract = FeatureExtractor.extract

    def counted(self: FeatureExtractor, squares: list[Any]) -> Any:
        computed.append(len(squares))
        return extract(self, squares)

    monkeypatch.setattr(FeatureExtractor, "extract", counted)
    root = draw_scenes(tmp_path / "photos", each=4)
    first = check_folder(root)
    (root / "circles/000.jpg").rename(root / "circles/renamed.jpg")
    scene(0, 99).save(root / "circles" / "new.jpg")
    check_folder(root)
    (root / "circles" / "new.jpg").unlink()
    (root / "circles/renamed.jpg").rename(root / "circles/000.jpg")
    assert check_folder(root).findings == first.findings
    assert computed == [8, 1], "a photo is known by its content"
    (cache,) = (tmp_path / "posture_classifier").iterdir()
    cache.write_text("damaged")
    assert check_folder(root).findings == first.findings
    cache.unlink()
    cache.mkdir()
    assert check_folder(root).findings == first.findings, "where nothing can be cached it is computed"
