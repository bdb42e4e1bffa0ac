"""The page of a cross-validation, whose figures are of photos that are new to what they judge."""

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize_scalar

from posture_classifier.cli.program import main
from posture_classifier.metrics.temperature_scaling import fit_temperature
from posture_classifier.metrics.thresholds import recall_threshold
from posture_classifier.report.finished_folds import FinishedFolds, read_finished_folds
from posture_classifier.report.probability_sections import _alarms
from posture_classifier.runs.choice import Choice
from tests.helpers.made_runs import make_folds, some_right
from tests.helpers.pages import assert_stands_alone
from tests.report.test_page import section


@pytest.fixture
def folds(tmp_path: Path) -> FinishedFolds:
    return read_finished_folds(make_folds(tmp_path / "crossval_0", some_right(0.75, 1, 200)))


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def columns(folder: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Probability of right, whether it is right, and the fold, (N,) each, by path."""
    rows = sorted(rows_of(folder), key=lambda row: row["path"])
    scores = np.array([float(row["right"]) for row in rows])
    return scores, np.array([row["label"] == "right" for row in rows]), np.array([int(row["fold"]) for row in rows])


def test_the_page_counts_what_the_table_holds(folds: FinishedFolds, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(folds.folder)]) == 0
    assert str(folds.folder / "report.html") in capsys.readouterr().out
    page = (folds.folder / "report.html").read_text()
    assert_stands_alone(page)
    scores, positive, fold = columns(folds.folder)
    said = scores > 0.5
    n_right = int((said == positive).sum())
    assert f"{n_right} of 200 test photos" in page
    result = section(page, "result")
    for true in (False, True):
        for predicted in (False, True):
            assert f">{int(((positive == true) & (said == predicted)).sum())}<" in result
    table = section(page, "the-folds")
    for number in range(4):
        assert f"{(said == positive)[fold == number].mean():.3f}" in table
    assert "was tested once, by that one of 4 networks which had not seen their group" in page
    assert f"crossval --config {folds.folder / 'settings.yaml'} --final" in table
    assert "200 photos of 40 groups" in page


def test_the_photos_of_a_fold_judge_thresholds_that_the_others_chose(folds: FinishedFolds) -> None:
    scores, positive, fold = columns(folds.folder)
    caught, false = [], []
    for number in range(4):
        others = np.sort(scores[positive & (fold != number)])[::-1]
        threshold = others[int(np.ceil(0.9 * len(others))) - 1]
        caught += (scores[positive & (fold == number)] >= threshold).tolist()
        false += (scores[~positive & (fold == number)] >= threshold).tolist()
    alarm = _alarms(folds, Choice.by_other_folds(folds.evaluated), 0.9)[1]
    assert alarm.recall.value == pytest.approx(np.mean(caught))
    assert alarm.false_alarms.value == pytest.approx(np.mean(false))
    all_of_them = np.sort(scores[positive])[::-1]
    assert alarm.threshold == pytest.approx(all_of_them[int(np.ceil(0.9 * positive.sum())) - 1]), "all photos choose what is used"


def test_the_temperature_of_a_fold_is_that_of_the_others(folds: FinishedFolds) -> None:
    scores, positive, fold = columns(folds.folder)
    chosen = Choice.by_other_folds(folds.evaluated).choose(fit_temperature)
    assert chosen is not None
    used, judged = chosen

    def best(mask: npt.NDArray[np.bool_]) -> float:
        logits = np.log(scores / (1 - scores))[mask]
        signs = np.where(positive[mask], 1, -1)
        return float(minimize_scalar(lambda t: np.log1p(np.exp(-signs * logits / t)).mean(), (0.05, 1, 20)).x)

    assert used == pytest.approx(best(fold >= 0), rel=1e-3)
    for number in range(4):
        assert set(judged[fold == number]) == {judged[fold == number][0]}
        assert judged[fold == number][0] == pytest.approx(best(fold != number), rel=1e-3)


def test_no_photo_has_a_say_in_what_it_judges(folds: FinishedFolds) -> None:
    table = folds.evaluated
    assert table.folds is not None
    predictions = table.predictions
    predictions.labels[table.folds == 2] = 1 - predictions.labels[table.folds == 2]
    changed = Choice.by_other_folds(table)
    before = Choice.by_other_folds(read_finished_folds(folds.folder).evaluated)
    for fit in (fit_temperature, lambda p: recall_threshold(p, 1, 0.9)):
        old, new = before.choose(fit), changed.choose(fit)
        assert old is not None
        assert new is not None
        assert (old[1] == new[1])[table.folds == 2].all()
        assert (old[1] != new[1])[table.folds != 2].any()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("rm predictions.csv", ["crossval_0", "the same crossval command goes on"]),
        ("rm settings.yaml", ["crossval_0", "version_N", "crossval_N"]),
        ("break summary.json", ["summary.json", "damaged"]),
        ("--catch nobody", ["'nobody'", "left, right"]),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    folds: FinishedFolds, capsys: pytest.CaptureFixture[str], change: str, expected: list[str]
) -> None:
    verb, argument = change.split()
    if verb == "rm":
        (folds.folder / argument).unlink()
    elif verb == "break":
        (folds.folder / argument).write_text(json.dumps({"final": {"run": 3}}))
    assert main(["report", str(folds.folder), *([verb, argument] if verb.startswith("--") else [])]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not [fact for fact in expected if fact not in error]
    assert not (folds.folder / "report.html").exists()
