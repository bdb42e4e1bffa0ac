"""Rules are chosen on some photos, and what they are worth is measured on others."""

from pathlib import Path

import numpy as np
import pytest

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.metrics.thresholds import SURE, distance_threshold
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.decision_rules import RECALLS, choose_familiarity_of_runs, choose_rules
from posture_classifier.runs.distances import DistanceTable, read_distances
from posture_classifier.runs.predictions import PredictionTable

CLASSES = ["left", "right"]


def table(count: int, seed: int, folds: int = 0, labels: np.ndarray | None = None) -> PredictionTable:
    """Predictions that are too sure of themselves, of groups of four photos."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % 2 if labels is None else labels
    logits = 3 * draws.normal(size=count) + 2 * (2 * labels - 1)
    right = 1 / (1 + np.exp(-logits))
    groups = np.array([f"g{number // 4}" for number in range(count)])
    paths = np.array([f"{number:03}.jpg" for number in range(count)])
    predictions = Predictions(np.arange(count), labels, np.stack([1 - right, right], 1))
    return PredictionTable(paths, groups, CLASSES, predictions, np.arange(count) // 4 % folds if folds else None)


def test_validation_photos_choose_and_test_photos_judge() -> None:
    validation, test = table(80, seed=0), table(120, seed=1)
    rules = choose_rules(test, Choice.by_validation(validation, len(test)), judges=True, seed=0)
    assert rules.temperature == fit_temperature(validation.predictions)
    chosen_on, judged = (rescale(each.predictions, rules.temperature or 1) for each in (validation, test))
    for label, name in enumerate(CLASSES):
        assert [threshold.wanted_recall for threshold in rules.thresholds[name]] == list(RECALLS)
        of_class = chosen_on.labels == label
        for threshold in rules.thresholds[name]:
            caught = chosen_on.probabilities[:, label] >= threshold.threshold
            assert caught[of_class].mean() >= threshold.wanted_recall > caught[of_class].mean() - 1 / of_class.sum()
            raised = judged.probabilities[:, label] >= threshold.threshold
            assert threshold.recall.value == pytest.approx(raised[judged.labels == label].mean())
            assert threshold.false_alarms.value == pytest.approx(raised[judged.labels != label].mean())
            assert threshold.precision.value == pytest.approx((judged.labels == label)[raised].mean())
            assert threshold.recall.ends is not None
    sure = judged.confidence >= SURE
    assert rules.abstention.answered.value == pytest.approx(sure.mean())
    assert rules.abstention.accuracy.value == pytest.approx(judged.correct[sure].mean())


def test_each_fold_judges_what_the_others_choose() -> None:
    pooled = table(120, seed=2, folds=3)
    rules = choose_rules(pooled, Choice.by_other_folds(pooled), judges=True, seed=0)
    assert rules.temperature == fit_temperature(pooled.predictions)
    sure = np.zeros(len(pooled), dtype=bool)
    assert pooled.folds is not None
    for fold in range(3):
        temperature = fit_temperature(pooled.select(pooled.folds != fold).predictions)
        assert temperature is not None
        mine = pooled.select(pooled.folds == fold).predictions
        sure[pooled.folds == fold] = rescale(mine, temperature).confidence >= SURE
    assert rules.abstention.answered.value == pytest.approx(sure.mean())


def test_photos_that_chose_do_not_judge() -> None:
    validation = table(40, seed=0)
    rules = choose_rules(validation, Choice.by_validation(validation, 40), judges=False, seed=0)
    assert rules.temperature is not None
    assert rules.abstention.answered.value is rules.abstention.accuracy.value is None
    assert all(threshold.recall.value is None for threshold in rules.thresholds["left"])


def test_a_class_without_choosing_photos_has_no_threshold() -> None:
    test = table(40, seed=1)
    alone = Choice.by_validation(table(20, seed=0, labels=np.zeros(20, dtype=np.int64)), len(test))
    assert list(choose_rules(test, alone, judges=True, seed=0).thresholds) == ["left"]


def test_where_all_are_right_probabilities_stay_as_they_are() -> None:
    labels = np.arange(8) % 2
    right = Predictions(np.arange(8), labels, np.where(np.eye(2)[labels] == 1, 0.8, 0.2))
    paths = np.array([f"{number}.jpg" for number in range(8)])
    sure_and_right = PredictionTable(paths, paths, CLASSES, right)
    test = table(40, seed=1)
    rules = choose_rules(test, Choice.by_validation(sure_and_right, len(test)), judges=True, seed=0)
    assert rules.temperature is None
    assert rules.thresholds["right"][0].threshold == pytest.approx(0.8)
    assert rules.abstention.answered.value == pytest.approx((test.predictions.confidence >= SURE).mean())


def test_few_distances_give_the_largest_as_threshold() -> None:
    assert distance_threshold(np.array([1.0, 3.0, 2.0])) == 3
    many = np.arange(1.0, 1000.0)
    assert (many > distance_threshold(many)).mean() <= 0.05


def test_distances_of_folds_judge_each_other(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    runs = [tmp_path / f"fold_{fold}" for fold in range(3)]
    tables = []
    for run in runs:
        groups = np.array([f"{run.name}-{number // 4}" for number in range(40)])
        tables.append(DistanceTable(np.array([f"{run.name}/{n}.jpg" for n in range(40)]), groups, draws.gamma(4, size=40)))
        run.mkdir()
        tables[-1].write(run / "test")
    familiarity = choose_familiarity_of_runs(runs, seed=0)
    assert familiarity is not None
    pooled = np.concatenate([each.distances for each in tables])
    assert familiarity.threshold == pytest.approx(distance_threshold(pooled), rel=1e-6)
    limits = [distance_threshold(np.concatenate([other.distances for other in tables if other is not each])) for each in tables]
    alarms = [each.distances > limit for each, limit in zip(tables, limits, strict=True)]
    assert familiarity.false_alarms.value == pytest.approx(np.mean(alarms))
    (runs[0] / "test" / "distances.csv").write_text("path,group,distance\na,b,far\n")
    assert read_distances(runs[0] / "test") is None
    assert choose_familiarity_of_runs(runs, seed=0) is None
