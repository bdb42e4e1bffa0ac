"""Re-encodings are one picture; successive frames of a video are not."""

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageEnhance, ImageOps

from posture_classifier.check.same_picture import plainly_moved, read_grey, same_picture
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.check_folders import scene
from tests.helpers.videos import draw_video

read = partial(read_grey, white=FULL_RANGE)
PHOTOS = sorted(Path("data/turtle_neck").glob("*/subject-0[0-7]_0*.jpg"))[::8]


@pytest.mark.parametrize("quality", [50, 60, 75, 85, 95])
def test_saving_a_photo_again_leaves_its_picture(tmp_path: Path, quality: int) -> None:
    for path in PHOTOS:
        Image.open(path).save(tmp_path / "again.jpg", quality=quality)
        assert same_picture(path, tmp_path / "again.jpg", read)
        assert same_picture(tmp_path / "again.jpg", path, read)


def test_a_sketch_tells_of_movement_and_never_of_saving_again(tmp_path: Path) -> None:
    def sketch(image: Image.Image) -> npt.NDArray[np.uint8]:
        return np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX))

    frames = [sketch(picture) for picture in draw_video(100, seed=1000)[0]]
    assert sum(plainly_moved(one, other) for one, other in pairwise(frames[::5])) > 15
    for path in PHOTOS:
        Image.open(path).save(tmp_path / "again.jpg", quality=30)
        assert not plainly_moved(sketch(Image.open(path)), sketch(Image.open(tmp_path / "again.jpg")))


def test_another_size_brightness_or_side_leaves_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    scene(0, 1).save(path, quality=92)
    image = Image.open(path)
    image.resize((120, 90)).save(tmp_path / "small.jpg", quality=92)
    Image.open(PHOTOS[0]).resize((384, 384)).save(tmp_path / "large.png")
    ImageEnhance.Brightness(image).enhance(0.8).save(tmp_path / "dark.jpg", quality=92)
    ImageOps.mirror(image).save(tmp_path / "mirrored.jpg", quality=92)
    assert same_picture(path, tmp_path / "small.jpg", read)
    assert same_picture(PHOTOS[0], tmp_path / "large.png", read)
    assert same_picture(path, tmp_path / "dark.jpg", read)
    assert same_picture(path, tmp_path / "mirrored.jpg", read, mirrored=True)
    assert not same_picture(path, tmp_path / "mirrored.jpg", read)


def test_grey_and_turned_photos_are_compared_as_they_are_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(1, 2).convert("L").save(tmp_path / "grey.jpg", quality=92)
    Image.open(tmp_path / "grey.jpg").save(tmp_path / "again.jpg", quality=60)
    scene(1, 2).save(tmp_path / "turned.jpg", quality=92, exif=exif)
    assert same_picture(tmp_path / "grey.jpg", tmp_path / "again.jpg", read)
    assert not same_picture(tmp_path / "turned.jpg", tmp_path / "grey.jpg", read), "the one is upright, the other lies"


@pytest.mark.parametrize("quality", [90, 60, 30])
def test_frames_of_a_slow_video_are_not_one_picture(tmp_path: Path, quality: int) -> None:
    for number, picture in enumerate(draw_video(100, seed=1000)[0]):
        picture.save(tmp_path / f"{number:03}.jpg", quality=quality)
    frames = list(pairwise(sorted(tmp_path.glob("*.jpg"))))
    assert sum(same_picture(one, other, read) for one, other in frames) == 0
