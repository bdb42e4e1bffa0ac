"""Validation and test say something of a class only with groups enough."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.cli.program import main
from posture_classifier.data import photo_choice
from posture_classifier.data.folder import Photos
from posture_classifier.data.groups_of_sides import lone_groups
from posture_classifier.data.module import PostureData
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw
from tests.helpers.program import fit_arguments

Groups = dict[str, list[str]]


def draw_groups(root: Path, scenes: dict[str, int], each: int = 2) -> Path:
    """``root/<class>/<class><scene>_<n>.png``: this many scenes of each class, of no other."""
    for label, (name, n) in enumerate(scenes.items()):
        (root / name).mkdir(parents=True)
        for scene in range(n):
            for shot in range(each):
                draw(label, 100 * scene + shot).save(root / name / f"{name}{scene}_{shot}.png")
    return root


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """``data.group_by cluster`` makes the groups that names say; looks are tested elsewhere."""

    def groups(photos: Photos) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
        return np.array([Path(path).name.split("_")[0] for path in photos.paths.tolist()])

    monkeypatch.setattr(photo_choice, "scene_groups", groups)


def options_in(message: str) -> list[str]:
    """The options that a message says to set, as ``fit`` takes them."""
    return [part for name, value in re.findall(r"(data\.\w+) to ([\d.]+\d)", message) for part in (f"--{name}", value)]


@pytest.mark.slow
@pytest.mark.usefixtures("by_name")
def test_a_class_of_one_scene_on_a_side_is_refused_and_the_way_out_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_groups(tmp_path / "scenes", {"a": 8, "b": 8})
    call = [*fit_arguments(root, tmp_path, 1), "--data.group_pattern", "null", "--data.group_by", "cluster"]
    call += ["--data.val_fraction", "0.15", "--data.test_fraction", "0.2"]
    assert main(call) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "val photos of class a" in message
    assert main([*call, *options_in(message)]) == 0
    assert main([*fit_arguments(root, tmp_path, 1), "--data.group_pattern", r"[ab]\d"]) == 0, "the other way out: names"


@pytest.mark.usefixtures("by_name")
def test_where_no_share_would_do_scenes_are_asked_for(tmp_path: Path) -> None:
    root = draw_groups(tmp_path / "few", {"a": 12, "b": 4})
    with pytest.raises(UserError, match=r"class b are of one group.*add photos of other scenes of b,.*data.group_pattern") as error:
        _ = PostureData(str(root), group_by="cluster").photos
    assert not options_in(str(error.value))
    enough = draw_groups(tmp_path / "more", {"a": 12, "b": 14})
    data = PostureData(str(enough), group_by="cluster", val_fraction=0.2)
    assert not lone_groups(data.photos), "other scenes of b were added"


@pytest.mark.usefixtures("by_name")
def test_folds_are_refused_for_their_validation_only(tmp_path: Path) -> None:
    root = str(draw_groups(tmp_path / "folds", {"a": 8, "b": 8}))
    with pytest.raises(UserError, match=r"val photos of class a.*set data.val_fraction to") as error:
        PostureData(root, group_by="cluster", folds=8).choice.every_fold()
    fraction = float(options_in(str(error.value))[1])
    folds = PostureData(root, group_by="cluster", folds=8, val_fraction=fraction).choice.every_fold()
    assert {each.side for photos in folds for each in lone_groups(photos)} == {"test"}, "all of them test every scene"


def test_four_people_in_both_postures_go_on_working(draw_folder: DrawFolder) -> None:
    data = PostureData(str(draw_folder(people=4)), group_pattern=r"person\d+")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(set(data.photos.in_split("test").groups.tolist())) == 1


def test_people_in_one_posture_each_are_warned_of(tmp_path: Path) -> None:
    data = PostureData(str(draw_groups(tmp_path / "people", {"a": 3, "b": 3})), group_pattern=r"[ab]\d")
    with pytest.warns(UserWarning, match=r"all val photos of class a are of one group \(a\d\), .*cannot be known"):
        _ = data.photos
