"""Metadata goes into an artifact and comes back as what a checkpoint's classifier has."""

import json
from pathlib import Path

import pytest

from posture_classifier import Classifier
from posture_classifier.export.metadata import build_metadata, evaluation_of, read_metadata, to_json
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.utils.errors import UserError
from tests.test_inference import CHECKPOINT


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(CHECKPOINT, "cpu")


def test_figures_come_back(classifier: Classifier) -> None:
    text = to_json(build_metadata(classifier, read_checkpoint(CHECKPOINT)))
    assert text.isascii()
    metadata = read_metadata(text, Path("model.onnx"))
    assert evaluation_of(metadata) == classifier.evaluation
    assert metadata["classes"] == ["left", "right"]
    assert metadata["preprocessing"] == classifier.model.preprocessing.to_dict()


def test_photos_and_groups_are_those_that_the_checkpoint_counted_wherever_it_lies(classifier: Classifier) -> None:
    content = read_checkpoint(CHECKPOINT)
    assert build_metadata(classifier, content)["photos"]["test"] == {"images": 8, "groups": None}, "an older one knows no groups"
    counted = {"train": {"images": 12, "groups": 3}, "test": {"images": 8, "groups": 2}}
    stored = {"photos": counted | {"val": {"images": 0, "groups": 0}}}
    assert build_metadata(classifier, {**content, "evaluation": stored})["photos"] == counted


def test_what_was_not_measured_is_none(classifier: Classifier) -> None:
    bare = Classifier(classifier.model, "cpu")
    metadata = build_metadata(bare, {})
    assert [metadata["evaluation"], metadata["temperature"], metadata["abstention"], metadata["familiarity"]] == [None] * 4
    assert metadata["photos"] == {}
    assert evaluation_of(read_metadata(to_json(metadata), Path("model.onnx"))) is None


@pytest.mark.parametrize("change", [{"classes": []}, {"format": 2}, {"temperature": 0.0}, {"photos": {"train": 3}}])
def test_other_values_are_refused(classifier: Classifier, change: dict[str, object]) -> None:
    metadata = json.loads(to_json(build_metadata(classifier, {})))
    with pytest.raises(UserError, match=next(iter(change))):
        read_metadata(json.dumps(metadata | change), Path("model.onnx"))
