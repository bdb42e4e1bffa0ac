"""Groups that are given, and groups that could be."""

from pathlib import Path

import pytest

from tests.helpers.check_folders import check_folder, draw_bursts, draw_people, draw_scenes, finding_of, kinds


def test_groups_are_proposed_and_near_duplicates_in_a_group_are_no_fault(tmp_path: Path) -> None:
    root = draw_people(tmp_path / "people")
    alone = check_folder(root)
    assert "groups" in kinds(alone, "warning")
    assert "same_scene" in kinds(alone, "note"), "how to keep them together is said once"
    assert finding_of(alone, "groups").values["proposal"] == r"--data.group_pattern 'subject-\d+'"
    assert finding_of(alone, "groups").values["nearest_in_group"] > 0.9
    together = check_folder(root, r"subject-\d+")
    assert not kinds(together, "warning", "error")


@pytest.mark.slow
def test_bursts_are_known_before_a_random_split_flatters(tmp_path: Path) -> None:
    result = check_folder(draw_bursts(tmp_path / "bursts"))
    finding = finding_of(result, "groups")
    assert finding.severity == "warning"
    assert finding.values["proposal"] == "--data.group_by cluster"
    assert result.headline.values["random_split"] > 0.95
    assert result.headline.values["new_groups"]["value"] < 0.8, "of two classes by lot, one of which has 71 % of the photos"


def test_a_group_on_two_sides_of_the_users_split(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 1000)):
        draw_scenes(tmp_path / "split" / split, each=4, seed=seed)
    (tmp_path / "split/train/circles/000.jpg").rename(tmp_path / "split/train/circles/100.jpg")
    finding = finding_of(check_folder(tmp_path / "split", r"\d+"), "group_leaks")
    assert (finding.severity, finding.captions) == ("error", [f"{n:03}" for n in range(1, 8)])
