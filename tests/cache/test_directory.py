"""The files that the cache keeps: what is found again, what is not, what goes, and what stays."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posture_classifier.cache.directory import make_room
from posture_classifier.cache.fingerprint import code_version
from posture_classifier.cli.program import main
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.images.decode import decode
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import EXACT, REPOSITORY, SGD, Fit, assert_same_weights, cache_files, fit_arguments

OLD, LATER = f"{1:032x}.kept", f"{2:032x}.kept"


@pytest.mark.slow
def test_a_later_run_finds_what_was_kept(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    root = draw_folder()
    weights = str(fit(root, *EXACT) / "checkpoints" / "last.ckpt")
    assert cache_files() == [], "removed at the end"
    keep = [*EXACT, "--model.weights", weights, "--cache.keep", "true"]
    first = fit(root, *keep, epochs=2, version=1)
    before = len(computed)
    second = fit(root, *keep, epochs=2, version=2)
    assert len(computed) == before, "nothing was computed again"
    assert_same_weights(first, second, tolerance=0)
    assert len(cache_files()) == 2, "pixels and activations"
    fit(root, *EXACT, "--model.weights", weights, epochs=2, version=3)
    assert len(computed) == before
    assert len(cache_files()) == 2, "a run that keeps nothing removes nothing that another kept"


def change_a_pixel(root: Path) -> list[str]:
    path = sorted(root.rglob("*.png"))[0]
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    return []


def change_the_preprocessing(root: Path) -> list[str]:
    return ["--model.resize", "pad"]


def change_the_order(root: Path) -> list[str]:
    """The same files under each other's names: nothing but the order of their contents differs."""
    one, other = sorted((root / "left").iterdir())[:2]
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])
    return []


def change_a_weight(root: Path) -> list[str]:
    path = root.parent / "weights.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["backbone.conv1.0.weight"][0, 0, 0, 0] += 1e-3
    torch.save(checkpoint, path)
    return []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a run, whose weights others start from."""
    folder = tmp_path_factory.mktemp("trained")
    root = draw_photos(folder / "photos", people=6, each=2, classes=("left", "right"))
    assert main([*fit_arguments(root, folder, 1), *EXACT]) == 0
    return folder / "lightning_logs" / "photos" / "version_0" / "checkpoints" / "last.ckpt"


def test_a_network_of_the_same_weights_finds_nothing(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    """TensorFlow's padding has no parameters, so only their names distinguish these networks."""
    keep = [*EXACT, "--cache.keep", "true"]
    root = draw_folder()
    for number, name in enumerate(("efficientnet_b0", "tf_efficientnet_b0")):
        fit(root, *keep, "--model.backbone", name, version=number)
        assert sum(computed) == 20 * (number + 1)


def test_what_another_version_computed_is_not_found(
    draw_folder: DrawFolder, fit: Fit, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = [*EXACT, "--cache.keep", "true"]
    root = draw_folder()
    fit(root, *keep)
    code_version.cache_clear()
    monkeypatch.setattr("posture_classifier.cache.fingerprint.version", lambda name: "99" if name == "timm" else version(name))
    try:
        fit(root, *keep, version=1)
    finally:
        code_version.cache_clear()
    assert sum(computed) == 2 * 20


@pytest.mark.slow
def test_two_runs_at_once_share_what_they_compute(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=40)
    options = [*EXACT, *SGD, "--unfreezing.open_stages", "{1: 2}", "--cache.keep", "true"]
    command = [sys.executable, "-m", "posture_classifier"]
    both = [
        subprocess.Popen([*command, *fit_arguments(root, tmp_path / name, 2), *options], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for process in both:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    kept = cache_files()
    assert len(kept) == 3, "pixels, and activations of both phases"
    assert main([*fit_arguments(root, tmp_path / "anew", 2), *options, "--cache.enabled", "false"]) == 0
    one, two, anew = (tmp_path / name / "lightning_logs" / root.name / "version_0" for name in ("one", "two", "anew"))
    assert_same_weights(one, two, tolerance=0)
    assert_same_weights(one, anew)


@pytest.mark.parametrize(
    "change",
    [
        change_a_pixel,
        change_a_weight,
        pytest.param(change_the_preprocessing, marks=pytest.mark.slow),
        pytest.param(change_the_order, marks=pytest.mark.slow),
    ],
)
def test_nothing_stale_is_found(
    draw_folder: DrawFolder, fit: Fit, computed: list[int], trained: Path, change: Callable[[Path], list[str]]
) -> None:
    root = draw_folder()
    weights = root.parent / "weights.ckpt"
    shutil.copy(trained, weights)
    keep = [*EXACT, *SGD, "--model.weights", str(weights), "--cache.keep", "true"]
    fit(root, *keep)
    before = sum(computed)
    options = change(root)
    again = fit(root, *keep, *options, version=1)
    assert sum(computed) - before == 20, "all of it was computed anew"
    without = fit(root, *keep, *options, "--cache.enabled", "false", version=2)
    assert_same_weights(again, without)


def test_without_room_everything_is_computed_in_every_step(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    root = draw_folder()
    with_cache = fit(root, *EXACT, *SGD, epochs=2)
    computed.clear()
    without = fit(root, *EXACT, *SGD, "--cache.limit", "0", epochs=2, version=1)
    assert sum(computed) == 2 * 20, "train and val of both epochs"
    assert_same_weights(with_cache, without)
    assert cache_files() == []


def test_a_full_disk_is_no_reason_to_stop(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("posture_classifier.cache.tensor_store._allocate", full)
    assert (fit(draw_folder()) / "summary.json").exists()


@pytest.fixture
def folder() -> Path:
    """The cache's own, with two files that runs kept, the second later."""
    folder = Path(os.environ["XDG_CACHE_HOME"], "posture_classifier")
    folder.mkdir(parents=True)
    for age, name in enumerate((OLD, LATER)):
        (folder / name).write_bytes(bytes(600_000))
        os.utime(folder / name, (age, age))
    return folder


def test_room_is_made_of_what_is_oldest(draw_folder: DrawFolder, fit: Fit, folder: Path) -> None:
    fit(draw_folder(), "--cache.limit", "0.001")
    assert not (folder / OLD).exists()
    assert (folder / LATER).exists()


def test_nothing_is_removed_for_what_can_never_fit(draw_folder: DrawFolder, fit: Fit, folder: Path) -> None:
    fit(draw_folder(), "--cache.limit", "0.000001")
    assert {OLD, LATER} <= {path.name for path in cache_files()}


def test_files_of_others_are_left_alone(draw_folder: DrawFolder, fit: Fit, folder: Path) -> None:
    """``check`` caches in the same folder, and a user may name any folder with ``cache.folder``."""
    for name in ("check.db", "best.ckpt", "0123.kept", f"{OLD}.zip"):
        (folder / name).write_bytes(bytes(600_000))
    (folder / f"{3:032x}").mkdir()
    before = cache_files()
    fit(draw_folder(), "--cache.limit", "0.002")
    assert cache_files() == before, "nor do they take of the room"


def test_what_another_process_is_just_making_stays_and_what_it_left_goes(tmp_path: Path) -> None:
    now, left, own = (tmp_path / f".{number:032x}.77" for number in (1, 2, 3))
    for path in (now, left, own):
        path.write_bytes(bytes(1000))
    os.utime(left, (0, 0))
    assert make_room(tmp_path / f"{3:032x}", 1000, 2000, set())
    assert [path.exists() for path in (now, left, own)] == [True, False, True]
    assert not make_room(tmp_path / f"{3:032x}", 1001, 2000, set())


def test_room_that_the_system_does_not_give_back_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows keeps a file that is mapped."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    (tmp_path / OLD).write_bytes(bytes(1000))
    monkeypatch.setattr(Path, "unlink", refused)
    assert not make_room(tmp_path / LATER, 1000, 1500, set())


def test_what_was_decoded_goes_when_the_training_does_not_begin(
    draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[list[Path]] = []

    def interrupted(*_: object) -> None:
        left.append(cache_files())
        raise UserError("no")

    monkeypatch.setattr("posture_classifier.training.fit.describe", interrupted)
    fit(draw_folder(), code=2)
    assert [len(files) for files in left] == [1]
    assert cache_files() == []


@pytest.mark.slow
def test_photos_are_decoded_once_where_everything_is_open(
    draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def watching(path: Path, at_least: int, white: WhiteLevels) -> Image.Image:
        decoded.append(at_least)
        return decode(path, at_least, white)

    monkeypatch.setattr("posture_classifier.images.preprocessing.decode", watching)
    root = draw_folder()
    open_all = ["--unfreezing.open_stages", "{0: all}", "--data.augmentation", "null"]
    kept = fit(root, *open_all, epochs=3)
    assert decoded == [32] * 24, "all once: to see whether they can be read, to train, and for the evaluation at the end"
    again = fit(root, *open_all, "--cache.enabled", "false", epochs=3, version=1)
    assert_same_weights(kept, again, tolerance=0)


def test_pixels_are_kept_as_decoded(draw_folder: DrawFolder, tmp_path: Path) -> None:
    from posture_classifier.cache.tensor_store import TensorStore
    from posture_classifier.data.folder import read_folder
    from posture_classifier.images.preprocessing import Preprocessing

    photos = read_folder(draw_folder())
    pixels = TensorStore(tmp_path / "pixels", len(photos), (32, 32, 3), torch.uint8)
    dataset = PhotoDataset(photos, Preprocessing(32, (0.5,) * 3, (0.5,) * 3), None, pixels)
    first = dataset[5].images
    assert pixels.has(np.array([5])).all()
    assert torch.equal(dataset[5].images, first)
