"""The YAML file in which ``start`` writes down what it decides."""

from pathlib import Path

import pytest
import yaml

from posture_classifier.start.plan import make_plan, read_plan, write_plan
from posture_classifier.utils.errors import UserError

FOLDS = (
    "python -m posture_classifier crossval --model.backbone tf_efficientnet_lite0 --model.head all_stages --data.root 'my photos' "
    r"--data.group_pattern '([^/]+)_\d+\.' --data.folds 4"
)
SPLIT = (
    "python -m posture_classifier fit --model.backbone tf_efficientnet_lite0 --model.head all_stages --data.root 'my photos' "
    "--data.group_by exif --data.test_fraction 0.3"
)


def test_few_groups_are_tested_in_turn_by_frozen_networks(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), FOLDS)
    assert plan.procedure == "crossval"
    assert plan.settings["data"] == {"root": "my photos", "group_pattern": r"([^/]+)_\d+\.", "folds": 4}
    assert plan.settings["model"] | {"head": "all_stages", "head_solver": "lbfgs"} == plan.settings["model"]
    assert "unfreezing" not in plan.settings
    assert plan.arguments[-1] == "--final"


def test_more_groups_are_tested_in_part_by_a_network_that_opens(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), SPLIT)
    assert plan.procedure == "fit"
    assert plan.settings["data"]["group_by"] == "exif"
    assert plan.settings["data"]["test_fraction"] == 0.3
    assert plan.settings["unfreezing"]["open_stages"] == {0: 3}
    assert "--final" not in plan.arguments


@pytest.mark.parametrize("advised", [FOLDS, SPLIT])
def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path, advised: str) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), advised, ("The groups are scenes.", "They are few."))
    write_plan(plan, ["120 photos: 민준 60,\n서연 60."])
    assert read_plan(plan.path, Path("my photos")) == plan
    assert yaml.safe_load(plan.path.read_text()) == plan.settings
    assert "민준" in plan.path.read_text(encoding="utf-8")


def test_a_long_path_with_spaces_stays_on_its_line(tmp_path: Path) -> None:
    root = Path("/photos of my team" * 10)
    plan = make_plan(tmp_path / "a.yaml", root, FOLDS)
    write_plan(plan, [])
    assert read_plan(plan.path, root) == plan


def test_a_file_that_an_editor_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), FOLDS)
    write_plan(plan, [])
    plan.path.write_text(plan.path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read_plan(plan.path, Path("my photos")) == plan
    plan.path.write_bytes(plan.path.read_bytes() + "# 사진".encode("cp949"))
    with pytest.raises(UserError, match=r"a\.yaml"):
        read_plan(plan.path, Path("my photos"))


def test_an_edited_plan_is_taken_as_it_is(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), FOLDS)
    write_plan(plan, [])
    plan.path.write_text(plan.path.read_text().replace("folds: 4", "folds: 3"))
    edited = read_plan(plan.path, Path("my photos"))
    assert edited is not None
    assert edited.settings["data"]["folds"] == 3


@pytest.mark.parametrize("text", ["data: {root: my photos}\n", None, "damaged"])
def test_a_file_of_somebody_else_is_neither_used_nor_overwritten(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "a.yaml"
    if text is None:
        write_plan(make_plan(path, Path("other photos"), FOLDS), [])
    elif text == "damaged":
        write_plan(make_plan(path, Path("my photos"), FOLDS), [])
        path.write_text(path.read_text().partition("data:")[0])
    else:
        path.write_text(text)
    before = path.read_text()
    with pytest.raises(UserError, match=r"a\.yaml"):
        read_plan(path, Path("my photos"))
    assert path.read_text() == before


def test_a_slip_in_an_edited_plan_is_told_with_its_line(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a.yaml", Path("my photos"), FOLDS)
    write_plan(plan, [])
    text = plan.path.read_text()
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "folds:" in each)
    plan.path.write_text(text.replace("  folds:", "  [folds:"))
    with pytest.raises(UserError, match=rf"line ({line}|{line + 1}) "):
        read_plan(plan.path, Path("my photos"))


def test_without_a_file_there_is_no_plan_yet(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "a.yaml", Path("my photos")) is None
