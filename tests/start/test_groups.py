"""Who is on the photos: what is shown of the proposals, and what becomes of each answer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.check.group_proposals import Grouping, Proposal, Proposals
from posture_classifier.check.nearest import Nearest
from posture_classifier.data.folder import Photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.start.groups import choose_grouping, limits_of
from posture_classifier.start.questions import Ask, take_proposals
from posture_classifier.utils.errors import UserError

PEOPLE = ("민준", "서연", "지후")


def photos_of(people: tuple[str, ...]) -> Photos:
    paths = [f"{label}/{name}_{number}.jpg" for label in ("정상", "거북목") for name in people for number in range(3)]
    return Photos(
        root=Path("사진"),
        classes=("정상", "거북목"),
        paths=StringArray(paths),
        labels=np.repeat(np.arange(2), len(paths) // 2),
        groups=StringArray(paths),
        splits=np.full(len(paths), "", dtype="<U5"),
        grouped=False,
        rows=np.arange(len(paths)),
    )


def proposal(photos: Photos, command: str | None, new: str = "new people", named: bool = True) -> Proposal:
    groups = np.array([path.split("/")[1].split("_")[0] for path in photos.paths.tolist()])
    return Proposal(Grouping(("--data.group_pattern", r"([^/]+)_\d"), groups, new, named), Nearest(1.0, 0.3), command)


def typing(*answers: str) -> Ask:
    left: Iterator[str] = iter(answers)
    return lambda question, proposal: next(left) or proposal


@pytest.mark.parametrize("answers", [[""], ["y"], ["YES"], ["ㅛ"], ["1"]])
def test_the_proposal_is_taken_by_enter_and_yes_on_any_keyboard(answers: list[str]) -> None:
    photos = photos_of(PEOPLE)
    offered = proposal(photos, "fit")
    assert choose_grouping(photos, Proposals([offered], []), typing(*answers)) is offered.grouping


def test_groups_are_shown_with_names_sizes_and_three_examples(capsys: pytest.CaptureFixture[str]) -> None:
    photos = photos_of(PEOPLE)
    choose_grouping(photos, Proposals([proposal(photos, "fit")], []), take_proposals)
    shown = capsys.readouterr().out
    assert "3 people" in shown
    (row,) = [line.split() for line in shown.splitlines() if line.startswith(" 서연")]
    assert row == ["서연", "6", "정상/서연_0.jpg,", "정상/서연_2.jpg,", "거북목/서연_2.jpg"]


def test_another_way_is_taken_by_its_number() -> None:
    photos = photos_of(PEOPLE)
    ways = [proposal(photos, "fit"), proposal(photos, "fit", "new sessions")]
    assert choose_grouping(photos, Proposals(ways, []), typing("3", "2")) is ways[1].grouping


def test_an_expression_of_one_s_own_is_asked_about_with_its_groups(capsys: pytest.CaptureFixture[str]) -> None:
    photos = photos_of(PEOPLE)
    wrong = ["(", "nobody", "민준", "/"]
    chosen = choose_grouping(photos, Proposals([proposal(photos, "fit")], []), typing(*wrong, "(민준|서연|지)", "y"))
    assert chosen is not None
    assert chosen.options == ("--data.group_pattern", "(민준|서연|지)")
    assert chosen.sizes == {"민준": 6, "서연": 6, "지": 6}
    shown = capsys.readouterr().out
    assert shown.count("I see") == 2, "the proposal and the user's own groups, once each"
    for word in wrong:
        assert repr(word) in shown


def test_no_does_not_mean_that_nobody_is_on_several_photos() -> None:
    photos = photos_of(PEOPLE)
    proposals = Proposals([proposal(photos, "fit")], [])
    assert choose_grouping(photos, proposals, typing("n", "n")) is None
    with pytest.raises(UserError, match="<class>/<person>"):
        choose_grouping(photos, proposals, typing("n", "", ""))
    chosen = choose_grouping(photos, proposals, typing("n", "y", "[^/_]+_", "y"))
    assert chosen is not None
    assert chosen.names == ["민준_", "서연_", "지후_"]


def test_people_who_are_too_few_are_never_taken_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    photos = photos_of(PEOPLE[:2])
    refused = proposal(photos, None)
    with pytest.raises(UserError):
        choose_grouping(photos, Proposals([], [refused]), take_proposals)
    assert "2 people in the names: 민준, 서연; but" in capsys.readouterr().out
    blocks = proposal(photos, "fit", "other blocks of 10 frames", named=False)
    assert choose_grouping(photos, Proposals([blocks], [refused]), take_proposals) is blocks.grouping
    assert "2 people in the names: 민준, 서연; but" in capsys.readouterr().out
    assert "blocks of 10 frames, not people" in limits_of(blocks.grouping)[0]


def test_where_nothing_tells_people_apart_each_photo_stands_alone() -> None:
    assert choose_grouping(photos_of(PEOPLE), Proposals([], []), take_proposals) is None


@pytest.mark.parametrize(("new", "limits"), [("new people", 0), ("new groups", 0), ("new sessions", 1), ("new days", 1)])
def test_what_groups_do_not_tell_is_said(new: str, limits: int) -> None:
    assert len(limits_of(Grouping((), np.array(["a", "b"]), new))) == limits
