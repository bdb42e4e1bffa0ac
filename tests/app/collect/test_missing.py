"""What a collection still lacks."""

from collections import Counter

from posture_classifier.app.collect.counts import Counts
from posture_classifier.app.collect.missing import ADVISED_PEOPLE, ADVISED_PHOTOS, find_missing
from posture_classifier.check.class_balance import FEW, SPLITS


def counts(people: int, sessions: int = 2, each: int = 5, classes: tuple[str, ...] = ("left", "right")) -> Counts:
    photos = Counter({(c, f"p{p}", f"s{s}"): each for c in classes for p in range(people) for s in range(sessions)})
    return Counts({name: name for name in classes}, photos)


def codes(found: Counts) -> list[tuple[str, str]]:
    return [(each.code, each.level) for each in find_missing(found)]


def test_an_empty_folder_needs_two_classes() -> None:
    assert codes(Counts()) == [("classes", "needed")]
    assert find_missing(counts(3, classes=("left",)))[0].values == {"n": 1}


def test_people_are_needed_for_each_part_of_a_split() -> None:
    assert codes(counts(SPLITS - 1)) == [("people", "needed")] * 2
    assert codes(counts(FEW - 1)) == [("people", "rough")] * 2
    assert codes(counts(FEW)) == [("more_people", "advised")]


def test_a_good_collection_lacks_nothing() -> None:
    assert find_missing(counts(ADVISED_PEOPLE, each=ADVISED_PHOTOS // 2)) == []


def test_a_person_in_one_class_only_is_named_first() -> None:
    found = counts(ADVISED_PEOPLE)
    del found.photos["right", "p7", "s0"], found.photos["right", "p7", "s1"]

    first = find_missing(found)[0]

    assert (first.code, first.values) == ("class_of_person", {"person": "p7", "class": "right"})


def test_a_session_in_one_class_only_is_named() -> None:
    """Its light and clothes would tell the class."""
    found = counts(ADVISED_PEOPLE, each=ADVISED_PHOTOS)
    del found.photos["left", "p3", "s1"]

    assert [each.values for each in find_missing(found)] == [{"person": "p3", "session": "s1", "class": "left"}]


def test_few_photos_and_single_sessions_are_advice() -> None:
    assert set(codes(counts(ADVISED_PEOPLE, sessions=1, each=ADVISED_PHOTOS))) == {("sessions", "advised")}
    assert set(codes(counts(ADVISED_PEOPLE, each=1))) == {("photos", "advised")}
