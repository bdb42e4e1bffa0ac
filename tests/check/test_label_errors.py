"""Probable label errors: what is listed is right, and where that cannot be nothing is listed."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.folder_layout import list_folder, name_groups
from posture_classifier.check.group_ridge import PENALTY, GroupRidge, Stages, centre_groups
from posture_classifier.check.label_errors import (
    Mask,
    false_discovery_rates,
    find_suspects,
    odd_photos,
    plant_label_errors,
    run_trials,
)
from posture_classifier.check.sample import Sample
from tests.helpers.check_folders import check_folder, kinds, no_progress
from tests.helpers.videos import draw_videos

BUNDLED = Path(__file__).parents[2] / "data" / "turtle_neck"


def walk(distance: float, n_groups: int = 30, each: int = 8, seed: int = 0) -> Sample:
    """Features of people, each with a place of its own, and two classes ``distance`` apart."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), each)
    labels = np.tile(np.arange(each) % 2, n_groups)
    people = generator.normal(0, 1, (n_groups, 64))[groups]
    posture = np.zeros(64)
    posture[:8] = distance / np.sqrt(8)
    features = people + np.outer(2 * labels - 1, posture) + generator.normal(0, 0.5, (len(labels), 64))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return Sample(np.arange(len(labels)), labels, ["a", "b"], groups, features.astype(np.float32))


def features(sample: Sample) -> tuple[Stages, Mask]:
    """Stages that know what the last one does, and no odd photos."""
    return sample.features.astype(np.float16), np.zeros(len(sample.rows), dtype=np.bool_)


@pytest.mark.parametrize(
    ("n_features", "n_groups"), [(5, 6), (5, 2), (40, 6)], ids=["fewer features than photos", "than photos of a group", "more"]
)
def test_closed_form_is_a_fit_without_the_group(n_features: int, n_groups: int) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(24, n_features)).astype(np.float32)
    groups = generator.integers(0, n_groups, 24)
    targets = np.eye(3, dtype=np.float32)[generator.integers(0, 3, 24)]
    scores = GroupRidge(features, groups).scores(targets)
    centred = features - features.mean(0)
    table = np.column_stack([centred / np.sqrt((centred**2).sum(1).mean()), np.ones(24)])
    for group in np.unique(groups):
        train, test = groups != group, groups == group
        penalty = PENALTY * np.eye(n_features + 1)
        weights = np.linalg.solve(table[train].T @ table[train] + penalty, table[train].T @ targets[train])
        assert scores[test] == pytest.approx(table[test] @ weights, abs=1e-4)


def test_centred_groups_have_mean_zero() -> None:
    features = np.array([[1, 2], [3, 4], [5, 5]], dtype=np.float32)
    assert centre_groups(features, np.array([7, 7, 1])).tolist() == [[-1, -1], [1, 1], [0, 0]]


def test_only_margins_far_below_those_of_the_class_count() -> None:
    """Margins of 400 right labels lie normally about 1, and one lies where nothing else does."""
    margin = np.append(norm.ppf((np.arange(400) + 0.5) / 400, 1, 0.5), -2.5)
    rates = false_discovery_rates(np.zeros(401, dtype=np.int64), np.column_stack([margin, np.zeros(401)]).astype(np.float32))
    assert np.flatnonzero(rates <= 0.1).tolist() == [400]
    assert (rates[margin > 0] == 1).all()


def test_planted_errors_are_listed_and_nothing_else_where_classes_lie_apart() -> None:
    sample = walk(distance=2.5)
    clean, _, trials = find_suspects(sample, *features(sample))
    assert len(clean) == 0
    assert trials.level is not None
    assert trials.right >= 0.9 * trials.listed > 0
    changed, chosen = plant_label_errors(sample.labels, 0.03, np.random.default_rng(1))
    mislabelled = Sample(sample.rows, changed, sample.class_names, sample.joined_groups, sample.features)
    suspects, predicted, _ = find_suspects(mislabelled, *features(sample))
    right = np.isin(suspects, chosen)
    assert right.mean() >= 0.8
    assert right.sum() >= 0.5 * len(chosen)
    assert (predicted[suspects] != changed[suspects]).all()


def test_nothing_is_listed_where_classes_cannot_be_told_apart() -> None:
    sample = walk(distance=0.0)
    changed, _ = plant_label_errors(sample.labels, 0.03, np.random.default_rng(1))
    mislabelled = Sample(sample.rows, changed, sample.class_names, sample.joined_groups, sample.features)
    suspects, _, trials = find_suspects(mislabelled, *features(sample))
    assert trials.level is None
    assert len(suspects) == 0


def test_trials_do_not_count_what_was_listed_before() -> None:
    sample = walk(distance=2.5)
    ridge = GroupRidge(centre_groups(sample.features, sample.joined_groups), sample.joined_groups)
    assert run_trials(ridge, sample.labels, np.zeros(len(sample.labels)), features(sample)[1]).listed == 0


@pytest.mark.slow
@pytest.mark.parametrize("people", [3, 12])
def test_videos_of_few_people_have_no_label_errors(tmp_path: Path, people: int) -> None:
    result = check_folder(draw_videos(tmp_path / "photos", people, frames=8), r"^[^/]+/[a-z]+")
    assert "label_errors" not in kinds(result)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.03, 0.1])
def test_bundled_photos_with_planted_errors(rate: float) -> None:
    """At least 0.8 of what is listed is right, where enough is listed to tell (10 draws)."""
    photos, _ = name_groups(list_folder(BUNDLED).photos, r"subject-\d+")
    folder = CheckedFolder(photos, no_progress)
    sample, stages, odd = folder.sample, folder.scan.stages[folder.sample.rows], odd_photos(folder)
    listed = right = 0
    for draw in range(10 if rate else 1):
        labels, chosen = sample.labels, np.zeros(0, dtype=np.int64)
        if rate:
            labels, chosen = plant_label_errors(sample.labels, rate, np.random.default_rng(100 + draw))
        mislabelled = Sample(sample.rows, labels, sample.class_names, sample.joined_groups, sample.features)
        suspects, _, _ = find_suspects(mislabelled, stages, odd)
        listed, right = listed + len(suspects), right + int(np.isin(suspects, chosen).sum())
    print(f"{rate:.0%}: {right} of {listed}")
    assert right >= 0.8 * listed
    if rate < 0.1:  # of so many, the widened margins hide all
        assert (listed > 0) == (rate > 0)
