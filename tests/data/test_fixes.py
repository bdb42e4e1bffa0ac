"""Decisions about photos: which are left out, and which count as another class."""

import csv
import unicodedata
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.data.fixes import Fix, add_fixes, apply_fixes, fingerprint, read_fixes, take_back_last
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.module import PostureData
from posture_classifier.data.photo_lists import exclude_photos
from posture_classifier.data.split_file import write_split
from posture_classifier.experiments.training_series import to_yaml
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, fit_arguments

PATTERN = r"person\d"
ONE, OTHER = "left/person0_0.png", "left/person1_0.png"


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def labels(photos: Photos) -> dict[str, str]:
    return {path: photos.classes[label] for path, label in zip(photos.paths, photos.labels, strict=True)}


def test_photos_are_left_out_and_relabelled_where_they_lie(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder(), PATTERN)
    fixes = written(
        tmp_path / "fixes.csv", f"path,decision,new_label\n{ONE},remove,\n{OTHER},relabel,right\nright/person0_0.png,fine,\n"
    )
    fixed = apply_fixes(photos, fixes)
    assert labels(fixed) == {name: label for name, label in labels(photos).items() if name != ONE} | {OTHER: "right"}
    assert dict(zip(fixed.paths, fixed.groups, strict=True))[OTHER] == "person1", "its group stays"
    assert (fixed.left_out, fixed.relabelled) == ({("removed", ""): 1}, 1)


def test_the_last_decision_counts_in_any_table(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """Another order of columns, one more, a byte order mark, Windows' line ends."""
    rows = [",red,{ONE},remove", "right,,{ONE},relabel", ",,{OTHER},remove", ",,{OTHER},fine"]
    text = "\ufeff" + "\r\n".join(["new_label,colour,path,decision", *rows, ""]).format(ONE=ONE, OTHER=OTHER)
    fixed = apply_fixes(read_folder(draw_folder(), PATTERN), written(tmp_path / "fixes.csv", text))
    assert len(fixed) == 24
    assert (labels(fixed)[ONE], labels(fixed)[OTHER]) == ("right", "left")


def test_a_name_is_the_same_in_either_form_of_unicode(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(classes=("왼쪽", "오른쪽"))
    text = "path,decision,new_label\n왼쪽/person0_0.png,relabel,오른쪽\n"
    fixed = apply_fixes(read_folder(root, PATTERN), written(tmp_path / "fixes.csv", unicodedata.normalize("NFD", text)))
    assert labels(fixed)["왼쪽/person0_0.png"] == "오른쪽"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (f"{ONE},throw_away,", "unknown decision 'throw_away'"),
        (f"{ONE},relabel,", "no new_label"),
        (f"{ONE},relabel,up", "unknown class up; there are left, right"),
        ("left/gone.png,remove,", "not below .*left/gone.png"),
        ("left/gone.png,relabel,right", "not below .*left/gone.png"),
        ("\n".join(f"left/person{p}_{n}.png,remove," for p in range(6) for n in range(2)), "leaves no photo of class left"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, draw_folder: DrawFolder, rows: str, expected: str) -> None:
    fixes = written(tmp_path / "fixes.csv", f"path,decision,new_label\n{rows}\n")
    with pytest.raises(UserError, match=rf"(?s)data\.fixes .*fixes\.csv.*{expected}"):
        apply_fixes(read_folder(draw_folder(), PATTERN), fixes)


def test_a_list_without_decisions_is_no_such_file(tmp_path: Path, draw_folder: DrawFolder) -> None:
    with pytest.raises(UserError, match=r"data\.fixes .* columns path and decision"):
        apply_fixes(read_folder(draw_folder()), written(tmp_path / "fixes.csv", f"path,reason\n{ONE},blurred\n"))


def test_a_photo_that_is_gone_and_fine_does_no_harm(tmp_path: Path, draw_folder: DrawFolder) -> None:
    fixes = written(tmp_path / "fixes.csv", "path,decision\nleft/gone.png,fine\n")
    assert len(apply_fixes(read_folder(draw_folder()), fixes)) == 24


def test_exclude_takes_the_same_file_and_leaves_out_what_was_removed(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder(), PATTERN)
    fixes = written(tmp_path / "fixes.csv", f"path,decision,new_label\n{ONE},remove,\n{OTHER},relabel,right\n")
    with pytest.warns(UserWarning, match=r"data\.fixes with the same file also relabels 1"):
        assert labels(exclude_photos(photos, fixes)) == {name: label for name, label in labels(photos).items() if name != ONE}


def test_both_options_may_name_the_same_photo(tmp_path: Path, draw_folder: DrawFolder) -> None:
    exclude = written(tmp_path / "list.csv", f"path\n{ONE}\n")
    fixes = written(tmp_path / "fixes.csv", f"path,decision,new_label\n{ONE},relabel,right\n{OTHER},remove,\n")
    data = PostureData(str(draw_folder()), PATTERN, exclude=str(exclude), fixes=str(fixes))
    assert len(data.choice.indexed) == 22


def test_an_earlier_split_stays_as_it_was(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    before = PostureData(str(root), PATTERN).photos
    write_split(before, tmp_path / "split.csv")
    fixes = written(tmp_path / "fixes.csv", f"path,decision,new_label\n{ONE},remove,\n{OTHER},relabel,right\n")
    after = PostureData(str(root), PATTERN, split=str(tmp_path / "split.csv"), fixes=str(fixes)).photos
    sides = dict(zip(before.paths, before.splits.tolist(), strict=True))
    assert dict(zip(after.paths, after.splits.tolist(), strict=True)) == {name: side for name, side in sides.items() if name != ONE}


def test_decisions_are_added_and_taken_back_beside_what_was_written_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path / "fixes.csv", "path,decision,who\r\n=1.png,fine,anna\r\n")
    add_fixes(path, [Fix.now(ONE, "remove", "left", reason="blurred")])
    add_fixes(path, [Fix.now(ONE, "relabel", "left", "right")])
    assert [fix.decision for fix in read_fixes(path).values()] == ["fine", "relabel"]
    assert (read_fixes(path)[ONE].label, read_fixes(path)[ONE].new_label) == ("left", "right")
    assert take_back_last(path, [ONE]) == ONE
    assert (read_fixes(path)[ONE].decision, read_fixes(path)[ONE].reason) == ("remove", "blurred")
    assert take_back_last(path, [ONE]) == ONE
    assert take_back_last(path, [ONE]) is None
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["path"], row["who"]) == ("./=1.png", "anna"), "no spreadsheet takes a name for a formula"
    assert [file.name for file in tmp_path.iterdir()] == ["fixes.csv"]


def test_a_damaged_file_is_not_written_over(tmp_path: Path) -> None:
    path = written(tmp_path / "fixes.csv", "something else\n")
    with pytest.raises(UserError, match=r"fixes\.csv cannot be used"):
        add_fixes(path, [Fix.now(ONE, "remove", "left")])
    assert path.read_text() == "something else\n"


def test_a_series_is_resumed_only_while_the_fixes_do_the_same(tmp_path: Path) -> None:
    path = tmp_path / "fixes.csv"
    add_fixes(path, [Fix.now(ONE, "remove", "left")])
    first, text = fingerprint(path), to_yaml({"data": {"fixes": str(path)}})
    add_fixes(path, [Fix.now(OTHER, "fine", "left")])
    assert (fingerprint(path), to_yaml({"data": {"fixes": str(path)}})) == (first, text)
    add_fixes(path, [Fix.now(OTHER, "relabel", "left", "right")])
    assert fingerprint(path) != first
    assert to_yaml({"data": {"fixes": str(path)}}) != text


def test_new_labels_are_trained_on_and_written(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root, fixes = draw_folder(), tmp_path / "fixes.csv"
    tested = [row for row in read_split_rows(fit(root) / "split.csv") if row["split"] == "test"]
    wrong, gone = (row["path"] for row in tested if row["label"] == "left")
    add_fixes(fixes, [Fix.now(wrong, "relabel", "left", "right")])
    add_fixes(fixes, [Fix.now(gone, "remove", "left")])
    run = fit(
        root, "--data.fixes", str(fixes), "--data.split", str(tmp_path / "lightning_logs/photos/version_0/split.csv"), version=1
    )
    assert {row["path"]: row["label"] for row in read_split_rows(run / "split.csv")}[wrong] == "right"
    table = read_prediction_table(run / "test" / "predictions.csv")
    assert set(table.paths) == {row["path"] for row in tested} - {gone}
    assert table.classes[table.predictions.labels[table.paths.tolist().index(wrong)]] == "right"

    add_fixes(fixes, [Fix.now("right/person0_0.png", "fine", "right")])
    resume = [*fit_arguments(root, tmp_path, 2), "--data.fixes", str(fixes), "--ckpt_path", "last"]
    assert main(resume) == 0, "nothing changed for the training"
    assert len(read_split_rows(run / "split.csv")) == 23


def test_a_training_does_not_go_on_with_other_labels(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root, fixes = draw_folder(), tmp_path / "fixes.csv"
    fit(root)
    add_fixes(fixes, [Fix.now(ONE, "relabel", "left", "right")])
    resume = [*fit_arguments(root, tmp_path, 2), "--data.fixes", str(fixes), "--ckpt_path", "last"]
    assert main(resume) == 2
    assert f"{ONE} is right and was left" in " ".join(capsys.readouterr().err.split())
    add_fixes(fixes, [Fix.now(ONE, "remove", "left")])
    assert main(resume) == 2
    assert f"{ONE} is left out" in " ".join(capsys.readouterr().err.split())
