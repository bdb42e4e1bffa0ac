"""A network that averages answers alike for a photo and its mirror image, wherever it is used."""

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageOps

from posture_classifier.cli.program import main
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.inference import Classifier
from posture_classifier.models.block_deletion import logits_without_blocks
from posture_classifier.models.blocks import find_blocks
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.grad_cam import explain_squares
from posture_classifier.models.restore import restore_model
from posture_classifier.runs.predictions import read_prediction_table
from tests.helpers.photos import DrawFolder, draw
from tests.helpers.program import EXACT, SGD, Fit, assert_same_weights

AVERAGES = ("--model.average_mirrored", "true")


def averaging(backbone: str = "test_resnet", averages: bool = True) -> PostureClassifier:
    """The same random weights each time."""
    torch.manual_seed(0)
    names = ["left", "right"]
    return PostureClassifier(names, backbone=backbone, pretrained=False, image_size=64, average_mirrored=averages).eval()


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_logits_are_the_mean_and_features_those_of_the_photo(backbone: str) -> None:
    model, plain = averaging(backbone), averaging(backbone, averages=False)
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        (logits, features), (one, own_features) = model.logits_and_features(images), plain.logits_and_features(images)
        torch.testing.assert_close(logits, (one + plain(images.flip(-1))) / 2)
        torch.testing.assert_close(features, own_features)
        torch.testing.assert_close(model(images), model(images.flip(-1)))
        assert not torch.allclose(logits, one)
        torch.testing.assert_close(model.train()(images), plain.train()(images), msg="training sees one view at a time")


def test_maps_of_a_photo_and_its_mirror_image_are_mirror_images() -> None:
    model, square = averaging(), np.asarray(draw(0, seed=1, size=64))
    maps = explain_squares(model, [square, square[:, ::-1]], [0, 0])
    assert maps is not None
    torch.testing.assert_close(maps[0], maps[1].flip(-1), rtol=0, atol=1e-4)
    assert maps.amax((1, 2)).tolist() == pytest.approx([1, 1])


def test_deleted_blocks_answer_by_the_mean_too() -> None:
    model = averaging()
    blocks, batches = find_blocks(model.backbone, 64), [torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)]
    mirrored = [images.flip(-1) for images in batches]
    rows = [logits_without_blocks(model.backbone, blocks, 64, model, each) for each in (batches, mirrored)]
    assert rows[0].shape == (1 + len(blocks), 4, 2)
    torch.testing.assert_close(*rows)


def test_an_exported_graph_answers_as_the_classifier(tmp_path: Path) -> None:
    classifier = Classifier(averaging(), "cpu", "fp32")
    image = draw(1, seed=2)
    graph = PhotoGraph(classifier)
    for each in (image, ImageOps.mirror(image)):
        expected = classifier.predict(each).probabilities
        assert expected is not None
        torch.testing.assert_close(graph(torch.from_numpy(np.array(each)))[0], torch.tensor([*expected.values()]))


def test_a_checkpoint_from_before_it_does_not_average() -> None:
    model = averaging()
    content = {"state_dict": model.state_dict(), "hyper_parameters": dict(model.hparams)}
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(10**7))  # a network is not built from a file that is smaller
        file.flush()
        path = Path(file.name)
        assert [restore_model(path, content).eval().averages, restore_model(path, content).averages] == [True, False]
        del content["hyper_parameters"]["average_mirrored"]
        assert restore_model(path, content).hparams["average_mirrored"] is False


@pytest.mark.parametrize("head", ["last_stage", pytest.param("all_stages", marks=pytest.mark.slow)])
def test_what_the_cache_gave_is_what_a_classifier_and_predict_say(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, head: str
) -> None:
    root = draw_folder()
    run = fit(root, *EXACT, *AVERAGES, "--model.head", head, epochs=2)
    assert json.loads((run / "summary.json").read_text())["average_mirrored"] is True
    classifier = Classifier.load(run, "cpu", "fp32", calibrated=False)
    for split in ("val", "test"):
        table = read_prediction_table(run / split / "predictions.csv")
        found = classifier.predict([root / path for path in table.paths])
        probabilities = [[*each.probabilities.values()] for each in found if each.probabilities]
        np.testing.assert_allclose(probabilities, table.predictions.probabilities, atol=1e-5)
    files = [str(root / path) for path in table.paths]
    assert main(["predict", str(run), *files, "--precision", "fp32", "--output", str(tmp_path / "out.csv")]) == 0
    with (tmp_path / "out.csv").open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert labels == [table.classes[label] for label in table.predictions.predicted]


@pytest.mark.slow
@pytest.mark.parametrize("head", ["last_stage", "all_stages"])
def test_how_full_the_disk_is_changes_nothing(draw_folder: DrawFolder, fit: Fit, head: str) -> None:
    root, options = draw_folder(people=10), (*EXACT, *SGD, *AVERAGES, "--model.head", head)
    cached = fit(root, *options, epochs=3)
    with pytest.warns(UserWarning, match="cache.limit"):
        without_room = fit(root, *options, "--cache.limit", "0", epochs=3, version=1)
    assert_same_weights(cached, without_room)
    for split in ("val", "test"):
        tables = [read_prediction_table(run / split / "predictions.csv") for run in (cached, without_room)]
        one, other = (table.predictions.probabilities for table in tables)
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_both_views_are_computed_once(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    fit(draw_folder(), *EXACT, *AVERAGES, epochs=5)
    assert sum(computed) == 2 * (16 + 4), "16 photos of train in turn, and 4 of val together"
