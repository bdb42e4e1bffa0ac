"""A classifier takes a photo in every form, one or many, and says what it is."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import posture_classifier
from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.inference import Prediction
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.models.checkpoint import EVALUATION
from posture_classifier.runs.checkpoints import find_checkpoint
from posture_classifier.utils.errors import UserError

OLD_RUN = Path(__file__).parent / "helpers" / "old_run"
CHECKPOINT = OLD_RUN / "version_0" / "checkpoints" / "best.ckpt"
FILE = OLD_RUN / "photos" / "left" / "person0_0.png"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(CHECKPOINT, device="cpu", precision="fp32")


def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: FILE,
        lambda _: str(FILE),
        lambda _: FILE.read_bytes(),
        lambda _: Image.open(FILE),
        lambda _: np.asarray(Image.open(FILE)),
        lambda _: np.asarray(Image.open(FILE)) / 255,
        lambda _: np.asarray(Image.open(FILE)).astype(np.float32) / 255,
    ],
)
def test_one_photo_in_any_form_is_one_prediction_of_the_same(classifier: Classifier, make: Callable[[None], Any]) -> None:
    expected = classifier.predict([FILE])[0].probabilities
    for predict in (classifier.predict, classifier):
        prediction = predict(make(None))
        assert isinstance(prediction, Prediction)
        assert prediction.probabilities == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda paths: paths,
        tuple,
        iter,
        np.array,
        lambda paths: np.array([Path(path) for path in paths], dtype=object),
        lambda paths: (Path(path) for path in paths),
        lambda paths: np.stack([np.asarray(Image.open(path)) for path in paths]),
        lambda paths: [np.asarray(Image.open(path)) for path in paths],
    ],
)
def test_many_photos_in_any_form_are_a_list(classifier: Classifier, make: Callable[[list[str]], Any]) -> None:
    paths = [str(path) for path in sorted((OLD_RUN / "photos").rglob("*.png"))]
    expected = [prediction.probabilities for prediction in classifier.predict(paths)]
    predictions = classifier(make(paths))
    assert isinstance(predictions, list)
    assert [prediction.probabilities for prediction in predictions] == expected
    assert classifier(make(paths[:1]))[0].probabilities == pytest.approx(expected[0], abs=1e-6), "one photo in a list is a list"


@pytest.mark.parametrize("photos", [[], (), iter([])])
def test_no_photos_are_an_empty_list(classifier: Classifier, photos: Any) -> None:
    assert classifier.predict(photos) == []


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (rgb()[..., 0], "L"),
        (rgb()[..., :1], "L"),
        (rgb(), "RGB"),
        (np.dstack([rgb(), rgb()[..., 0]]), "RGBA"),
        (rgb()[::-1, ::2], "RGB"),
    ],
)
@pytest.mark.parametrize("divisor", [None, 255])
def test_an_array_is_what_its_file_is(
    classifier: Classifier, tmp_path: Path, array: np.ndarray, mode: str, divisor: int | None
) -> None:
    pixels = np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    assert Image.open(tmp_path / "photo.png").mode == mode
    given = array if divisor is None else array / divisor
    assert classifier(given).probabilities == classifier(tmp_path / "photo.png").probabilities


def test_bytes_are_decoded_as_their_file_is(classifier: Classifier, tmp_path: Path) -> None:
    """A large JPEG is decoded at a part of its scale, and turned by its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.kron(rgb(), np.ones((10, 10, 1), np.uint8))).save(tmp_path / "lying.jpg", exif=exif)
    (tmp_path / "none.jpg").write_bytes(b"<html>")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("lying.jpg", "none.jpg", "empty.jpg"):
        from_file, from_bytes = classifier.predict([tmp_path / name, (tmp_path / name).read_bytes()])
        assert (from_file.probabilities, from_file.error) == (from_bytes.probabilities, from_bytes.error)
        assert (from_file.path, from_bytes.path) == (str(tmp_path / name), "")


@pytest.mark.parametrize(
    ("photo", "fact"),
    [
        ("https://example.org/a.jpg", "is a URL"),
        (Path("https://example.org/a.jpg"), "is a URL"),
        ("s3://bucket/a.jpg", "is a URL"),
        ("data:image/png;base64,iVBORw0KGgo=", "is a URL"),
        (np.zeros((3, 8, 8), np.uint8), r"\(3, 8, 8\)"),
        (np.zeros((8, 8, 2), np.uint8), r"\(8, 8, 2\)"),
        (np.zeros((0, 8, 3), np.uint8), r"\(0, 8, 3\)"),
        (np.zeros(8, np.uint8), r"\(8,\)"),
        (np.full((8, 8, 3), 255.0), "from 0 .* to 255"),
        (np.full((8, 8), -0.1), "from -0.1"),
        (np.full((8, 8), np.nan), "nan"),
        (np.zeros((8, 8), np.int64), "int64"),
        (np.zeros((8, 8), bool), "bool"),
        (torch.zeros(3, 8, 8), r"tensor \(3, 8, 8\)"),
        (7, "int"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_sentence(classifier: Classifier, photo: Any, fact: str) -> None:
    for given in (photo, [FILE, photo]):
        with pytest.raises(UserError, match=fact) as error:
            classifier.predict(given)
        assert "\n" not in str(error.value)


def test_a_file_that_is_named_like_a_url_is_a_file(classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    shutil.copy(FILE, tmp_path / "s3:" / "a.png")
    assert classifier("s3://a.png").label is not None


def test_a_photo_that_cannot_be_read_is_a_prediction_with_its_error(classifier: Classifier) -> None:
    prediction = classifier("missing.jpg")
    assert (prediction.path, prediction.label, prediction.error) == ("missing.jpg", None, "no such file")


def test_so_is_a_pillow_image_whose_file_is_damaged(classifier: Classifier, tmp_path: Path) -> None:
    Image.fromarray(rgb()).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-200])
    damaged, whole = classifier.predict([Image.open(tmp_path / "half.jpg"), Image.open(tmp_path / "whole.jpg")])
    assert "truncated" in str(damaged.error)
    assert whole.error is None


def test_photos_of_a_generator_are_taken_as_they_are_needed(classifier: Classifier) -> None:
    """A stream of more photos than memory holds."""
    taken: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        for number in range(100_000):
            taken.append(number)
            yield np.full((8, 8), number % 256, np.uint8)

    stream = classifier.stream(frames())
    assert next(stream).label is not None
    assert len(taken) < 1000
    stream.close()  # type: ignore[attr-defined]


def test_several_threads_predict_what_one_does(classifier: Classifier) -> None:
    """They start at once, each with all photos; bit for bit."""
    torch.set_num_threads(2)  # the fixture of all tests puts it back
    files = sorted((OLD_RUN / "photos").rglob("*.png"))
    jobs = [files, files[::-1], files[:1], files[:9]] * 3
    alone = [classifier.predict(job) for job in jobs]
    found: dict[int, tuple[list[Prediction], int]] = {}
    start = threading.Barrier(len(jobs))

    def predict(number: int) -> None:
        start.wait(timeout=60)
        found[number] = classifier.predict(jobs[number]), torch.get_num_threads()

    threads = [threading.Thread(target=predict, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert [found[number] for number in range(len(jobs))] == [(expected, 2) for expected in alone]
    assert torch.get_num_threads() == 2
    assert not torch.is_inference_mode_enabled()


def evaluation(**changes: Any) -> dict[str, Any]:
    accuracy = {"value": 0.925, "low": 0.87, "high": 0.96}
    known = {"procedure": "cross-validation", "images": 150, "groups": 15, "accuracy": accuracy, "temperature": 1.3}
    return known | changes


def checkpoint_with(path: Path, written: Any) -> Path:
    content = torch.load(CHECKPOINT, weights_only=True)
    content[EVALUATION] = written
    torch.save(content, path)
    return path


def test_it_says_what_it_is_and_how_good(tmp_path: Path) -> None:
    classifier = Classifier.load(checkpoint_with(tmp_path / "final.ckpt", evaluation()), device="cpu")
    assert classifier.evaluation is not None
    assert classifier.evaluation.accuracy == Estimate(0.925, 0.87, 0.96)
    assert (classifier.evaluation.procedure, classifier.evaluation.temperature) == ("cross-validation", 1.3)
    for fact in ("'left'", "'right'", "lenet5", "32 px", "0.925 (0.870 to 0.960)", "150 photos of 15 groups", "cross-validation"):
        assert fact in repr(classifier)


def test_a_figure_without_an_interval_has_none(tmp_path: Path) -> None:
    known = evaluation(groups=None, accuracy={"value": 0.9, "low": None, "high": None, "too_few": "2 groups"}, temperature=None)
    classifier = Classifier.load(checkpoint_with(tmp_path / "a.ckpt", known), device="cpu")
    assert "0.900 (unknown: 2 groups) on 150 photos" in repr(classifier)


@pytest.mark.parametrize("changes", [{"images": -1}, {"accuracy": {"value": 2.0, "low": None, "high": None}}, {"temperature": 0.0}])
def test_a_figure_that_somebody_changed_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"damaged.*evaluation"):
        Classifier.load(checkpoint_with(tmp_path / "a.ckpt", evaluation(**changes)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder whose summary is newer than its checkpoint, as ``fit`` leaves it."""
    run = Path(shutil.copytree(OLD_RUN / "version_0", tmp_path / "lightning_logs" / "photos" / "version_0"))
    os.utime(run / "checkpoints" / "best.ckpt", (0, 0))
    return run


def test_the_best_checkpoint_of_a_run_has_the_figure_of_its_test(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    evaluation = Classifier.load(run, device="cpu").evaluation
    assert evaluation is not None
    assert (evaluation.procedure, evaluation.images, evaluation.groups) == ("test split", summary["images"], summary["groups"])
    assert evaluation.accuracy == Estimate(**summary["accuracy"])
    assert Classifier.load(run / "checkpoints" / "last.ckpt", device="cpu").evaluation is None, "another epoch was measured"


@pytest.mark.parametrize("spoil", ["moved", "no summary", "damaged", "of another epoch"])
def test_what_was_not_measured_is_told(run: Path, tmp_path: Path, spoil: str) -> None:
    path = run / "checkpoints" / "best.ckpt"
    if spoil == "moved":
        path = Path(shutil.move(path, tmp_path))
    elif spoil == "no summary":
        (run / "summary.json").unlink()
    elif spoil == "damaged":
        (run / "summary.json").write_text('{"split": "test", "images": "many"}')
    else:
        os.utime(run / "summary.json", (0, 0))
        os.utime(path)  # a resumed run has found a better epoch
    classifier = Classifier.load(path, device="cpu")
    assert classifier.evaluation is None
    assert "not measured" in repr(classifier)


def test_a_run_folder_stands_for_its_best_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_checkpoint(run) == run / "checkpoints" / "best.ckpt"
    assert main(["predict", str(run), str(FILE)]) == 0
    from_folder = capsys.readouterr().out.splitlines()[:5]
    assert main(["predict", str(run / "checkpoints" / "best.ckpt"), str(FILE)]) == 0
    assert capsys.readouterr().out.splitlines()[:5] == from_folder
    (run / "checkpoints" / "best.ckpt").unlink()
    assert find_checkpoint(run) == run / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("final", ["final", "final/version_0"])
def test_a_cross_validation_stands_for_its_final_network(run: Path, final: str) -> None:
    folder = run.with_name("crossval_0")
    shutil.copytree(run, folder / "fold_0" / "version_0")
    (folder / "settings.yaml").write_text("data: {}")
    shutil.copytree(run, folder / final)
    assert find_checkpoint(folder) == folder / final / "checkpoints" / "best.ckpt"


@pytest.mark.parametrize("place", ["crossval_0/fold_0/version_0", "version_3", "experiment/version_0"])
def test_a_folder_without_a_network_says_what_to_give_instead(run: Path, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(run, folder / place)
    if place.startswith("crossval"):
        folder /= "crossval_0"
        (folder / "settings.yaml").write_text("data: {}")
    with pytest.raises(UserError) as error:
        Classifier.load(folder)
    advised = str(error.value).rpartition("such as ")[2]
    assert Classifier.load(advised, device="cpu").class_names == ["left", "right"]


def test_a_folder_of_photos_has_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(OLD_RUN / "photos"), str(FILE)]) == 2
    assert "has no checkpoints/best.ckpt" in capsys.readouterr().err


def test_the_public_names_are_listed() -> None:
    public = set(posture_classifier.__all__)
    assert {"train", "cross_validate", "check", "Classifier", "Run", "UserError"} <= public <= set(dir(posture_classifier))
    for name in public:
        assert getattr(posture_classifier, name) is not None
