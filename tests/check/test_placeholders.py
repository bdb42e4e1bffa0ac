"""What a web site shows in place of a missing photo, downloaded many times."""

import shutil
from pathlib import Path

from PIL import Image, ImageDraw

from tests.helpers.check_folders import check_folder, draw_scenes, finding_of, kinds


def test_a_placeholder_of_a_web_site_stands_high_up(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=25)
    picture = Image.new("RGB", (160, 120), (238, 238, 238))
    ImageDraw.Draw(picture).text((30, 50), "image not found", fill=(120, 120, 120))
    names = [f"{folder}/missing{n}.jpg" for folder in ("circles", "squares") for n in range(3)]
    for name in names:
        picture.save(root / name, quality=90)
    result = check_folder(root)
    assert [finding.kind for finding in result.findings][:2] == ["contradictory_labels", "placeholders"]
    assert finding_of(result, "placeholders").photos == [names]
    assert finding_of(result, "placeholders").captions == ["6 times, in circles and squares"]
    assert finding_of(result, "contradictory_labels").exclude.keys() == set(names)


def test_a_few_copies_are_no_placeholder(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=6)
    for n in range(3):
        shutil.copy(root / "circles/000.jpg", root / f"circles/copy{n}.jpg")
    assert "placeholders" not in kinds(check_folder(root))
