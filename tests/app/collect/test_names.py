"""Names of classes, people and sessions."""

import re
import unicodedata

import pytest

from posture_classifier.app.collect.names import (
    GROUP_PATTERN,
    Part,
    PhotoName,
    check_name,
    check_spelling,
    read_photo_name,
)
from posture_classifier.app.errors import Refusal

GOOD: list[tuple[Part, str]] = [
    ("class", "turtle_neck"),
    ("class", "거북목"),
    ("class", "good posture"),
    ("person", "민준-2"),
    ("person", "प्रिया"),
    ("person", "Zoë"),
    ("session", "2026-01-31"),
]
BAD: list[tuple[Part, str]] = [
    ("class", ""),
    ("class", "_neck"),
    ("class", "neck/x"),
    ("person", "anna_b"),
    ("person", "anna b"),
    ("person", "-anna"),
    ("person", "anna."),
    ("person", "한" * 33),
    ("session", "a" * 41),
    ("session", "10:30"),
    ("person", "ann\N{RIGHT-TO-LEFT OVERRIDE}a"),
]


@pytest.mark.parametrize(("part", "name"), GOOD)
def test_names_of_people_everywhere_are_taken(part: Part, name: str) -> None:
    assert check_name(part, f" {unicodedata.normalize('NFD', name)} ") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(("part", "name"), BAD)
def test_names_that_some_system_or_our_own_separator_forbids_are_not(part: Part, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_name(part, name)

    assert refused.value.status_code == 400


@pytest.mark.parametrize("name", ["CON", "com1", "train", "Test", "path", "system volume information"])
def test_names_with_another_meaning_are_not(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_name("class", name)

    assert name in refused.value.detail


def test_a_name_that_differs_by_capitals_alone_is_sent_back() -> None:
    check_spelling("anna", ["anna", "ben"])

    with pytest.raises(Refusal) as refused:
        check_spelling("Anna", ["anna", "ben"])

    assert refused.value.detail.split()[0] == "Anna"
    assert refused.value.detail.endswith("anna.")


def test_the_pattern_finds_the_person_in_every_name() -> None:
    for person, session in [("민준-2", "2026-01-31"), ("a", "1")]:
        name = PhotoName(person, session, 12)

        assert read_photo_name(str(name)) == name
        found = re.search(GROUP_PATTERN, f"turtle_neck/{name}")
        assert found is not None
        assert found[1] == person


@pytest.mark.parametrize("name", ["subject-00_02.jpg", "anna_desk_x.jpg", "a_b_c_1.jpg", "anna_desk_1.txt", "IMG_0001.JPG"])
def test_other_names_are_not_read(name: str) -> None:
    assert read_photo_name(name) is None
