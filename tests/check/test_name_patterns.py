"""Patterns that names suggest, and the groups that they make."""

import unicodedata

import pytest

from posture_classifier.check.name_patterns import block_patterns, groups_by, name_patterns


def first(names: list[str], depth: int = 1) -> tuple[str, list[str]]:
    """The first pattern that makes several groups of these names, and the groups."""
    for each in name_patterns(names, depth):
        if (made := groups_by(each.pattern, names)) and 1 < len(set(made[1].tolist())) < len(names):
            return made[0], sorted(set(made[1].tolist()))
    raise AssertionError(names)


@pytest.mark.parametrize(
    ("name", "people", "pattern"),
    [
        ("normal/{}_0001.jpg", ["anna", "ben"], r"([^/]+)_\d+\."),
        ("normal/{}_0001.jpg", ["min-jun", "seo-yeon"], r"([^/]+)_\d+\."),
        ("normal/{}_0001.jpg", ["김민준", "이서연"], r"([^/]+)_\d+\."),
        ("normal/{}-0001.jpg", ["anna", "ben"], r"([^/]+)-\d+\."),
        ("class_1/{} 12.jpg", ["anna", "ben"], r"([^/]+) \d+\."),
        ("normal/{}0001.jpg", ["anna", "ben"], r"([^/\d]+)\d+\."),
        ("turtle_neck/{}_turtle_0001.jpg", ["anna", "ben"], None),
        ("normal/webcam_{}_late_0001.jpg", ["anna", "ben"], None),
        ("normal/{}_f00166.jpg", ["s1", "s12"], r"/(s\d+)_"),
        ("normal/IMG_{}_171500.jpg", ["20210815", "20210816"], r"20\d{6}"),
        ("normal/{} 17.15.00.jpg", ["2021-08-15", "2021-08-16"], r"20\d\d-\d\d-\d\d"),
        ("normal/user{}-1.jpg", ["3", "14"], r"user\d+"),
        ("normal/{}/1.jpg", ["anna", "ben"], r"^[^/]+/([^/]+)/"),
        ("normal/{}/morning/1.jpg", ["anna", "ben"], r"^[^/]+/([^/]+)/"),
    ],
)
def test_patterns_name_people_and_days(name: str, people: list[str], pattern: str | None) -> None:
    names = [unicodedata.normalize("NFC", name.format(person)) for person in people for _ in range(2)]
    found, groups = first(names)
    assert [any(person in group for group in groups) for person in people] == [True, True]
    assert len(groups) == 2
    assert found == (pattern or found)


def test_folders_below_the_users_split() -> None:
    names = [f"{split}/normal/{person}/{n}.jpg" for split in ("train", "test") for person in ("anna", "ben") for n in range(2)]
    assert first(names, depth=2) == (r"^[^/]+/[^/]+/([^/]+)/", ["anna", "ben"])


def test_names_without_a_match_are_a_group_of_their_own() -> None:
    names = [f"normal/{person}_{n}.jpg" for person in ("anna", "ben") for n in range(3)] + ["normal/DSC1.jpg", "turtle/hello.jpg"]
    assert first(names) == (r"([^/]+)_\d+\.|$", ["anna", "ben", "none"])
    assert groups_by(r"nobody\d", names) is None
    made = groups_by("anna|ben", names)
    assert made is not None
    assert made[1].tolist() == ["anna"] * 3 + ["ben"] * 3 + ["none"] * 2


def test_numbered_frames_are_cut_into_blocks() -> None:
    names = [f"normal/frame_{n:04d}.jpg" for n in range(700)]
    (made, *_) = [groups_by(each.pattern, names) for each in block_patterns(names)]
    assert made is not None
    assert (made[0], sorted(set(made[1].tolist()))) == (r"([^/]+)\d\d\.", [f"frame_0{block}" for block in range(7)])
    assert not list(block_patterns(["a/9.jpg", "a/10.jpg"] * 20)), "numbers of unequal length"
