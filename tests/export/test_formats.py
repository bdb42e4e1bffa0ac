"""Every format says the same as the checkpoint, from file to label, and tells nothing of people."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.export.artifact import ExportedClassifier
from posture_classifier.export.formats import format_names, load_format, torch_export
from posture_classifier.export.metadata import build_metadata
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.utils.errors import UserError
from tests.export.test_exporting import many_kinds
from tests.export.test_predict_script import check_script


def needing(package: str, name: str) -> Any:
    """A format as a parameter, which is skipped where its package is not installed."""
    missing = pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed")
    return pytest.param(name, marks=[missing, pytest.mark.slow])


RUNNING = [
    pytest.param("torch_export", marks=pytest.mark.slow),
    needing("openvino", "openvino"),
    needing("executorch", "executorch"),
]


@pytest.fixture(scope="module")
def folders(run: Path) -> dict[str, Path]:
    """Folders of the exports that were made so far."""
    return {}


def folder_of(name: str, run: Path, folders: dict[str, Path]) -> Path:
    if name not in folders:
        assert main(["export", str(run), "--format", name]) == 0
        folders[name] = run / "export" / name
    return folders[name]


@pytest.mark.parametrize("name", RUNNING)
def test_it_answers_as_the_checkpoint_and_knows_what_it_knows(
    name: str, run: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = folder_of(name, run, folders)
    proof = json.loads((folder / "agreement.json").read_text())
    assert proof["passed"] is True
    assert proof["agreement"]["other_labels"] == 0
    files = many_kinds(tmp_path / "photos")
    artifact, classifier = ExportedClassifier.load(folder), Classifier.load(run, "cpu", "fp32")
    assert artifact.evaluation == classifier.evaluation
    checkpoint = run / "checkpoints" / "best.ckpt"
    assert artifact.metadata == build_metadata(classifier, read_checkpoint(checkpoint))
    for one, other in zip(classifier.predict(files), artifact.predict(files), strict=True):
        assert one.label == other.label
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-4)
        assert other.distance == pytest.approx(one.distance, rel=1e-3)
    check_script(sys.executable, ["-P"], folder, run, files)


@pytest.mark.parametrize("name", [pytest.param("onnx", marks=pytest.mark.slow), *RUNNING])
def test_a_mean_over_mirror_images_is_exported(name: str, run: Path, own_run: Path, tmp_path: Path) -> None:
    best = own_run / "checkpoints" / "best.ckpt"
    content = read_checkpoint(best)
    content["hyper_parameters"]["average_mirrored"] = True
    torch.save(content, best)
    assert main(["export", str(own_run), "--format", name]) == 0
    files = many_kinds(tmp_path / "photos")
    artifact = ExportedClassifier.load(own_run / "export" / name)
    averages, plain = (Classifier.load(each, "cpu", "fp32") for each in (own_run, run))
    for one, other, without in zip(averages.predict(files), artifact.predict(files), plain.predict(files), strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-4)
        assert other.distance == pytest.approx(one.distance, rel=1e-3)
        assert one.probabilities != pytest.approx(without.probabilities, abs=1e-4)
        assert one.distance == pytest.approx(without.distance), "the distance is that of the photo itself"


@pytest.mark.parametrize("name", RUNNING)
def test_it_names_no_photo_no_group_and_no_folder(name: str, run: Path, folders: dict[str, Path], photos: Path) -> None:
    for file in folder_of(name, run, folders).iterdir():
        content = file.read_bytes()
        for private in ("person0", photos.name, str(photos.parent), str(Path(torch_export.__file__).parents[2]), ".png"):
            assert private.encode() not in content, (file.name, private)


@pytest.mark.parametrize("name", RUNNING)
def test_what_is_cut_off_is_told_in_a_sentence(name: str, run: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    suffix = load_format(name).SUFFIX
    whole = (folder_of(name, run, folders) / f"model{suffix}").read_bytes()
    for part in (b"", whole[: len(whole) // 2]):
        (tmp_path / f"model{suffix}").write_bytes(part)
        with pytest.raises(UserError, match="cannot be read"):
            ExportedClassifier.load(tmp_path / f"model{suffix}")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("coremltools") is None, reason="coremltools is not installed")
def test_core_ml_is_marked_as_not_proven_where_it_cannot_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import platform

    import coremltools

    if platform.system() == "Darwin":
        pytest.skip("it runs here")
    assert main(["export", str(run), "--format", "coreml", "--output", str(tmp_path / "out")]) == 0
    assert "not proven" in capsys.readouterr().out
    proof = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert proof["passed"] is None
    assert "macOS" in proof["reason"]
    assert "**Not proven**" in (tmp_path / "out" / "MODEL_CARD.md").read_text()
    description = coremltools.models.MLModel(str(tmp_path / "out" / "model.mlpackage")).get_spec().description
    (image,) = description.input
    assert (image.name, image.type.imageType.width, image.type.imageType.height) == ("image", 32, 32)
    assert [output.name for output in description.output] == ["probabilities", "distance"]


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "model.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data/weights/model_weights_config.json", json.dumps({"config": {"w": {"use_pickle": True}}}))
    with pytest.raises(UserError, match="run code"):
        ExportedClassifier.load(path)


def test_a_missing_extra_is_a_sentence_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posture_classifier.export.formats.find_spec", lambda name: None)
    for name in ("openvino", "executorch", "coreml"):
        assert name in format_names()
        with pytest.raises(UserError, match=rf"pip install 'posture-classifier\[{name}\]'"):
            load_format(name)
    assert load_format("torch_export"), "which needs nothing more"
