"""A ``fit`` that chooses nothing takes the recipe that was measured as best."""

from pathlib import Path

import pytest
import yaml

from posture_classifier.cli.program import main
from posture_classifier.utils.shipped import shipped
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments

RECIPE = yaml.safe_load(shipped("configs/best.yaml").read_text())
OPEN_STAGES = {str(epoch): count for epoch, count in RECIPE["unfreezing"]["open_stages"].items()}


def settings_of(run: Path) -> dict[str, dict[str, object]]:
    settings: dict[str, dict[str, object]] = yaml.safe_load((run / "config.yaml").read_text())
    return settings


def bare(root: Path, output: Path, *options: str) -> list[str]:
    """What a new user types, on photos so few that it is quick."""
    return [
        *("fit", "--data.root", str(root), "--data.group_pattern", r"person\d+", "--data.num_workers", "0"),
        *("--trainer.default_root_dir", str(output), "--trainer.accelerator", "cpu", "--report", "false", *options),
    ]


@pytest.fixture
def tiny_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe, with a network that trains in no time."""
    recipe = RECIPE | {"model": {"backbone": "test_resnet", "pretrained": False, "image_size": 32}}
    (tmp_path / "best.yaml").write_text(yaml.safe_dump(recipe))
    monkeypatch.setattr("posture_classifier.training.recommended.shipped", lambda name: tmp_path / "best.yaml")


@pytest.mark.usefixtures("tiny_recipe")
def test_a_bare_fit_takes_the_recipe_and_options_win(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    assert main(bare(root, tmp_path, "--trainer.max_epochs", "2")) == 0
    run = tmp_path / "lightning_logs" / root.name / "version_0"
    settings = settings_of(run)
    assert settings["model"]["image_size"] == 32
    assert settings["unfreezing"]["open_stages"] == OPEN_STAGES
    assert settings["data"]["batch_size"] == RECIPE["data"]["batch_size"]
    assert settings["trainer"]["max_epochs"] == 2

    assert main(bare(root, tmp_path, "--trainer.max_epochs", "3", "--ckpt_path", "last")) == 0
    assert settings_of(run)["unfreezing"]["open_stages"] == OPEN_STAGES
    assert len((run / "metrics.csv").read_text().splitlines()) == 4


@pytest.mark.usefixtures("tiny_recipe")
def test_what_is_chosen_is_not_mixed_with_the_recipe(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    chosen = [
        "--model.backbone",
        "test_resnet",
        "--model.pretrained",
        "false",
        "--model.image_size",
        "48",
        "--trainer.max_epochs",
        "1",
    ]
    assert main(bare(root, tmp_path, *chosen)) == 0
    assert settings_of(tmp_path / "lightning_logs" / root.name / "version_0")["unfreezing"]["open_stages"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_recipe")
def test_a_run_of_other_settings_is_resumed_with_its_own(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    arguments = fit_arguments(root, tmp_path, 1)
    other = [word if word != "32" else "48" for word in arguments]
    assert main(other) == 0
    assert main(bare(root, tmp_path, "--trainer.max_epochs", "2", "--ckpt_path", "last")) == 0
    assert settings_of(tmp_path / "lightning_logs" / root.name / "version_0")["unfreezing"]["open_stages"] is None


@pytest.mark.usefixtures("tiny_recipe")
@pytest.mark.parametrize("file", [False, True])
def test_a_folder_alone_takes_the_recipe_and_a_file_beside_it_does_not(
    tmp_path: Path, draw_folder: DrawFolder, file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    _, _, _, *options = bare(root, tmp_path, "--trainer.max_epochs", "1")
    own = tmp_path / "own.yaml"
    own.write_text("model: {backbone: test_resnet, pretrained: false, image_size: 48}\n")
    assert main(["fit", str(root), *([str(own)] if file else []), *options]) == 0
    settings = settings_of(tmp_path / "lightning_logs" / root.name / "version_0")
    assert settings["model"]["image_size"] == (48 if file else 32)
    assert ("configs/best.yaml" in capsys.readouterr().out) is not file


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_recipe")
def test_a_bare_cross_validation_takes_the_recipe_too(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    _, *options = bare(root, tmp_path, "--trainer.max_epochs", "1", "--data.folds", "2")
    assert main(["crossval", *options]) == 0
    run = tmp_path / "lightning_logs" / root.name / "crossval_0" / "fold_0" / "version_0"
    assert settings_of(run)["unfreezing"]["open_stages"] == OPEN_STAGES
