"""A run as Python code sees it: figures, pictures, its page and its network."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from posture_classifier import Run, UserError
from posture_classifier.metrics.scores import METRICS
from posture_classifier.metrics.temperature_scaling import rescale
from posture_classifier.rendering.formatting import describe_interval, describe_value


def test_its_figures_are_those_of_the_summary(run: Run) -> None:
    summary = json.loads((run.folder / "summary.json").read_text())
    assert (run.split, run.images, run.groups) == ("test", summary["images"], summary["groups"])
    assert {name: vars(estimate) for name, estimate in run.estimates.items()} == {name: summary[name] for name in METRICS}
    assert run.accuracy == run.estimates["accuracy"]
    assert run.accuracy.value == pytest.approx(run.predictions.correct.mean())
    assert len(run.predictions) == run.images


def test_its_classifier_gives_the_predictions_of_the_test(run: Run, photos: Path) -> None:
    table, evaluation = run.predictions, run.classifier.evaluation
    predicted = run.classifier([photos / path for path in table.paths])
    assert evaluation is not None
    calibrated = rescale(table.predictions, evaluation.temperature or 1)
    for prediction, expected in zip(predicted, calibrated.probabilities, strict=True):
        assert prediction.probabilities is not None
        assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert evaluation.accuracy == run.accuracy


def test_a_notebook_shows_figures_and_pictures(run: Run) -> None:
    assert all(isinstance(figure, Figure) for figure in run.plots.values())
    page = run._repr_html_()
    for name, estimate in run.estimates.items():
        row = [METRICS[name].title, describe_value(estimate.value), describe_interval(estimate)]
        assert re.search(".*".join(f">{re.escape(cell)}<" for cell in row), page), name
    pictures = re.findall(r'<img src="data:image/png;base64,[^"]{1000,}" alt="([^"]+)">', page)
    assert pictures == ["confusion matrix", "curves"]
    assert "http" not in page


def test_its_name_says_how_good_it_is(run: Run) -> None:
    assert str(run.folder) in repr(run)
    assert f"{run.accuracy.value:.3f}" in repr(run)
    assert f"{run.images} photos of" in repr(run)


def test_its_page_is_written_once(run: Run, tmp_path: Path) -> None:
    copy = Run(shutil.copytree(run.folder, tmp_path / "lightning_logs" / "photos" / "version_0"))
    page = copy.report()
    assert page == copy.folder / "report.html"
    page.write_text("mine")
    assert copy.report().read_text() == "mine", "what is there is not written again"


@pytest.mark.parametrize(
    ("summary", "fact"),
    [(None, "no summary.json"), ("{", "damaged"), ("[]", "damaged"), ('{"images": 3, "groups": null}', "accuracy")],
)
def test_a_folder_that_is_no_finished_run_is_told_at_once(tmp_path: Path, summary: Any, fact: str) -> None:
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    with pytest.raises(UserError, match=fact) as error:
        Run(tmp_path)
    assert str(tmp_path) in str(error.value)
