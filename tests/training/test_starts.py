"""A training that starts from our own checkpoint is not tested on photos that this has seen."""

import shutil
from pathlib import Path

import pytest
from lightning.pytorch import Trainer

from posture_classifier import PostureClassifier, PostureData
from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import SEEN, read_checkpoint
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import fit_arguments

OTHER_SEED = ["--seed_everything", "1"]


def last(output: Path, name: str, version: int = 0) -> Path:
    return output / "lightning_logs" / name / f"version_{version}" / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training on ``photos``."""
    output = tmp_path_factory.mktemp("first")
    draw_photos(output / "photos", people=10, each=2, classes=("left", "right"))
    assert main(fit_arguments(output / "photos", output, 1)) == 0
    return output


def assert_refused(arguments: list[str], output: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The command is refused before it makes a folder; returns the sentence."""
    assert main(arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"were used to train {weights} or to choose its epoch" in error
    assert not (output / "lightning_logs").exists()
    return error


def test_a_new_split_is_refused_and_that_of_the_run_taken(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "renamed.pth"
    shutil.copy(last(first, "photos"), weights)
    arguments = [*fit_arguments(first / "photos", tmp_path, 1), *OTHER_SEED, "--model.weights", str(weights)]
    assert "give the split.csv of its run as --data.split" in assert_refused(arguments, tmp_path, weights, capsys)
    split = last(first, "photos").parents[1] / "split.csv"
    assert main([*arguments, "--data.split", str(split)]) == 0


@pytest.mark.slow
def test_another_runs_split_is_refused_too(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*fit_arguments(first / "photos", tmp_path, 1), *OTHER_SEED]) == 0
    split = last(tmp_path, "photos").parents[1] / "split.csv"
    output = tmp_path / "second"
    arguments = [*fit_arguments(first / "photos", output, 1), "--data.split", str(split)]
    for option in ("--model.weights", "--ckpt_path"):
        assert_refused([*arguments, option, str(last(first, "photos"))], output, last(first, "photos"), capsys)


def test_a_cross_validation_is_refused_before_its_first_fold(
    tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = last(first, "photos")
    arguments = [
        "crossval",
        *fit_arguments(first / "photos", tmp_path, 1)[1:],
        "--data.folds",
        "3",
        "--model.weights",
        str(weights),
    ]
    assert "start from other weights" in assert_refused(arguments, tmp_path, weights, capsys)


@pytest.mark.slow
def test_a_search_is_refused_before_its_first_training(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = last(first, "photos")
    arguments = ["search", *fit_arguments(first / "photos", tmp_path, 1)[1:], *OTHER_SEED]
    arguments += ["--search.backbones", "[test_vit, test_resnet]", "--search.weights", f"{{test_resnet: {weights}}}"]
    assert_refused(arguments, tmp_path, weights, capsys)


@pytest.mark.parametrize("option", ["--model.weights", pytest.param("--ckpt_path", marks=pytest.mark.slow)])
def test_a_third_training_knows_the_photos_of_the_first(
    tmp_path: Path, first: Path, draw_folder: DrawFolder, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    others = draw_folder("others", people=10, seed=1)
    arguments = [*fit_arguments(others, tmp_path / "second", 2), option, str(last(first, "photos"))]
    assert main(arguments) == 0
    second = last(tmp_path / "second", "others")
    seen = read_checkpoint(second)[SEEN]
    before = read_checkpoint(last(first, "photos"))[SEEN]
    assert sorted(seen["earlier_train"].tolist()) == sorted(before["train"].tolist())
    assert sorted(seen["earlier_val"].tolist()) == sorted(before["val"].tolist())
    assert len(seen["train"]) == len(before["train"]), "its own photos"
    # A resumed run hands them on.
    assert main([*fit_arguments(others, tmp_path / "second", 3), "--ckpt_path", "last"]) == 0
    assert {name: value.tolist() for name, value in read_checkpoint(second)[SEEN].items()} == {
        name: value.tolist() for name, value in seen.items()
    }
    for start in ("--model.weights", "--ckpt_path"):
        third = [*fit_arguments(first / "photos", tmp_path / "third", 4), *OTHER_SEED, start, str(second)]
        assert_refused(third, tmp_path / "third", second, capsys)


@pytest.mark.slow
def test_copies_within_the_runs_own_split_are_a_warning(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=10)
    for path in root.rglob("person*_1.png"):
        shutil.copy(root / "left" / "person0_0.png", path)
    assert main(fit_arguments(root, tmp_path, 1)) == 0
    split = last(tmp_path, "photos").parents[1] / "split.csv"
    arguments = [*fit_arguments(root, tmp_path, 1), "--data.split", str(split)]
    with pytest.warns(UserWarning, match=r"4 photos of the 8 test photos .*copies"):
        assert main([*arguments, "--model.weights", str(last(tmp_path, "photos"))]) == 0


def test_lightnings_own_trainer_is_refused_too(tmp_path: Path, first: Path) -> None:
    data = PostureData(str(first / "photos"), group_pattern=r"person\d+", seed=1, num_workers=0)
    model = PostureClassifier(
        data.class_names, backbone="test_resnet", pretrained=False, weights=str(last(first, "photos")), image_size=32
    )
    data.preprocessing = model.preprocessing
    trainer = Trainer(accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, default_root_dir=tmp_path)
    with pytest.raises(UserError, match="were used to train"):
        trainer.fit(model, data)
