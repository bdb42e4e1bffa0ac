"""The options of ``fit`` as people type them."""

import shlex
from contextlib import nullcontext
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.cli.training_help import EXAMPLES
from posture_classifier.data.module import PostureData
from posture_classifier.experiments.cross_validation import COMMAND, _CrossValidationCLI
from posture_classifier.experiments.training_series import parse_settings
from posture_classifier.training.fit_options import name_leading_words
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["fit", "my photos"], ["fit", "--data.root", "my photos"]),
        (["test", "a.yml", "--ckpt_path", "last"], ["test", "--config", "a.yml", "--ckpt_path", "last"]),
        (["fit", "a", "b.yaml", "c.yaml"], ["fit", "--config", "b.yaml", "--config", "c.yaml", "--data.root", "a"]),
        (["fit", "--data.root", "a", "b"], ["fit", "--data.root", "a", "b"]),
        (["--data.root", "fit"], ["--data.root", "fit"]),
        ([], []),
    ],
)
def test_words_that_follow_the_command_are_photos_or_settings(words: list[str], named: list[str]) -> None:
    assert name_leading_words(words) == named


def test_two_folders_are_one_sentence() -> None:
    with pytest.raises(UserError, match="a and b"):
        name_leading_words(["fit", "a", "b"])


def test_a_folder_and_a_file_alone_train(tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one group may be held out by its name alone."""
    monkeypatch.chdir(tmp_path)
    _, _, root, *options = fit_arguments(draw_folder(), tmp_path, 1)
    Path("mine.yaml").write_text("data: {root: elsewhere, holdout_groups: person1}\n")
    assert main(["fit", Path(root).name, "mine.yaml", *options]) == 0
    rows = (tmp_path / "lightning_logs" / "photos" / "version_0" / "split.csv").read_text().splitlines()
    assert {"person1" in row for row in rows if ",test," in row} == {True}


@pytest.mark.parametrize("value", ["person1", "[person1]", '["person1"]'])
def test_one_group_is_held_out_by_its_name(draw_folder: DrawFolder, value: str) -> None:
    options = [str(draw_folder()), "--data.group_pattern", r"person\d", "--data.holdout_groups", value]
    settings, _ = parse_settings(_CrossValidationCLI, COMMAND, options)
    photos = PostureData(**settings.data).photos
    assert photos.in_split("test").groups.unique()[0].tolist() == ["person1"]


@pytest.mark.parametrize("example", EXAMPLES["fit"])
def test_examples_in_the_help_are_taken(tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text("data: {root: my_photos}\n")
    command, *options = shlex.split(example.replace("\\\n", ""))
    assert command == "fit"
    with pytest.raises(UserError, match="--ckpt_path") if "last" in options else nullcontext():
        assert parse_settings(_CrossValidationCLI, COMMAND, options)[0].data.root == "my_photos"
