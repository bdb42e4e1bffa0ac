"""Pictures of new photos and of what spoke for their labels."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ExifTags import IFD, Base

from posture_classifier import Classifier, PostureClassifier
from posture_classifier.cli.program import main
from posture_classifier.models import grad_cam
from posture_classifier.predict import heat_maps
from posture_classifier.predict.heat_maps import HeatMaps
from posture_classifier.utils.tables import read_rows
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT
from tests.helpers.photos import DrawFolder, draw


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of one name in two folders, each with the place where it was taken."""
    exif = Image.Exif()
    exif[Base.Make] = "Camera"
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    for number, folder in enumerate(("anna", "ben")):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        draw(0, number, 300).save(tmp_path / "photos" / folder / "1.jpg", exif=exif)
    (tmp_path / "photos" / "ben" / "broken.jpg").write_text("no image")
    return tmp_path / "photos"


@pytest.fixture(autouse=True)
def any_map_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The maps of a network of 32 px on noise may be lit all over."""
    monkeypatch.setattr(heat_maps, "is_flat", lambda maps: torch.zeros(len(maps), dtype=torch.bool))


def explain(photos: Path, tmp_path: Path, *options: str, checkpoint: Path = OLD_CHECKPOINT) -> int:
    return main(["predict", str(checkpoint), str(photos), "--explain", str(tmp_path / "maps"), *options])


def test_each_photo_has_a_picture_without_its_place(photos: Path, tmp_path: Path) -> None:
    assert explain(photos, tmp_path, "--output", str(tmp_path / "table.csv")) == 1
    names = {row["path"]: row["heat_map"] for row in read_rows(tmp_path / "table.csv")}
    assert names.pop(str(photos / "ben" / "broken.jpg")) == ""
    assert sorted(names.values()) == sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert len(set(names.values())) == 2
    for path, name in names.items():
        with Image.open(tmp_path / "maps" / name) as picture, Image.open(path) as photo:
            assert len(photo.getexif()) > 0
            assert len(picture.getexif()) == 0
            assert b"Camera" not in (tmp_path / "maps" / name).read_bytes()
            assert picture.size == (600, 300)
            left, right = np.asarray(picture, np.float32)[:, :300], np.asarray(picture, np.float32)[:, 300:]
            assert np.abs(left - np.asarray(photo, np.float32)).mean() < 10, "the photo itself"
            assert np.abs(right - left).mean() > 20


def test_a_map_that_is_lit_all_over_is_none(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heat_maps, "is_flat", lambda maps: torch.ones(len(maps), dtype=torch.bool))
    assert explain(photos, tmp_path) == 1
    assert list((tmp_path / "maps").iterdir()) == []
    assert "2 photos have none" in capsys.readouterr().out


def test_a_folder_that_is_there_stays_as_it_is(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "maps").mkdir()
    assert explain(photos, tmp_path) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert explain(photos, tmp_path, "--overwrite") == 1


@pytest.mark.parametrize("head", ["last_stage", "all_stages"])
def test_the_map_is_of_the_label(
    tmp_path: Path, draw_folder: DrawFolder, head: Literal["last_stage", "all_stages"], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = draw_folder(people=1)
    model = PostureClassifier(["left", "right"], backbone="test_resnet", pretrained=False, image_size=64, head=head)
    classifier = Classifier(model, "cpu")
    asked: list[int] = []
    explain_squares = grad_cam.explain_squares

    def noting(model: PostureClassifier, squares: list[Any], labels: list[int]) -> torch.Tensor | None:
        asked.extend(labels)
        return explain_squares(model, squares, labels)

    monkeypatch.setattr(heat_maps, "explain_squares", noting)
    maps = HeatMaps(classifier, tmp_path / "maps")
    asked.clear()
    photo = str(root / "left" / "person0_0.png")
    first, second = maps.write([(photo, "right"), (photo, None)])
    assert asked == [1]
    assert first is not None
    assert second is None
    assert (tmp_path / "maps" / first).is_file()


def test_a_network_without_places_is_refused_before_the_work(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heat_maps, "explain_squares", lambda *_: None)
    assert explain(photos, tmp_path, "--output", str(tmp_path / "table.csv")) == 2
    assert "no layer that keeps places" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["photos"]
