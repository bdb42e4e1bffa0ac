"""Which runs are one configuration, and what configurations are called."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from posture_classifier.compare.configurations import different_settings, group_runs
from posture_classifier.runs import reading
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.errors import UserError
from tests.helpers.made_runs import make_run, settings, some_right
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


def made(folder: Path, seed: int = 0, **changes: Any) -> reading.TestedRun:
    """A run whose settings differ from the others' by some changes."""
    config = settings(seed=seed)
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    return read_tested_run(make_run(folder / "version_0", some_right(0.9, 0), config=config))


def test_what_is_one_configuration(tmp_path: Path) -> None:
    elsewhere = {
        "default_root_dir": "elsewhere",
        "callbacks": [{"class_path": "posture_classifier.callbacks.wandb_report.WandbReport"}],
    }
    runs = [
        made(tmp_path / "a"),
        made(tmp_path / "b", seed=1, experiment="b", trainer=elsewhere),
        made(tmp_path / "c", seed=1),
        made(tmp_path / "d", model={"learning_rate": 0.1}),
        made(tmp_path / "e", trainer={"callbacks": [{"class_path": "EMAWeightAveraging"}]}),
        made(tmp_path / "f", precision="fp32"),
    ]
    configurations = group_runs(runs)
    assert [[run.experiment for run in one.runs] for one in configurations] == [["a", "c"], ["d"], ["e"], ["f"]], (
        "of one seed the last counts"
    )
    assert set(different_settings(configurations)) == {"model.learning_rate", "trainer.callbacks", "precision"}


def test_a_callback_by_its_old_and_by_its_new_name_is_one(tmp_path: Path) -> None:
    path = "posture_classifier.callbacks.early_stopping.EarlyStopping"
    old, new = ({"callbacks": [{"class_path": name, "init_args": {"patience": 5}}]} for name in (path, f"{path}AfterUnfreezing"))
    assert len(group_runs([made(tmp_path / "a", trainer=old), made(tmp_path / "b", seed=1, trainer=new)])) == 1


def test_whole_numbers_are_equal_as_integers_and_as_floats(tmp_path: Path) -> None:
    """W&B's server gives 1 for 1.0."""
    runs = [made(tmp_path / "a", model={"learning_rate": 1.0}), made(tmp_path / "b", seed=1, model={"learning_rate": 1})]
    assert len(group_runs(runs)) == 1


def test_another_split_of_the_training_photos_is_another_configuration(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name / "version_0", some_right(0.9, 0)) for name in ("a", "b")]
    split = folders[1] / "split.csv"
    split.write_text(split.read_text().replace("left/x.png", "left/y.png"))
    assert len(group_runs([read_tested_run(folder) for folder in folders])) == 2
    for folder in folders:  # made by the seed, rather than given
        (folder / "config.yaml").write_text(yaml.safe_dump(settings(seed=int(folder == folders[0]), split=None)))
    assert len(group_runs([read_tested_run(folder) for folder in folders])) == 1


def test_a_split_that_one_run_made_and_another_was_given_is_one(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=10)
    first = fit(root)
    second = fit(root, "--data.split", str(first / "split.csv"), "--seed_everything", "1", version=1)
    (configuration,) = group_runs([read_tested_run(first), read_tested_run(second)])
    assert len(configuration.runs) == 2
    config = yaml.safe_load((second / "config.yaml").read_text())
    config["model"]["learning_rate"] = 0.1
    (second / "config.yaml").write_text(yaml.safe_dump(config))
    configurations = group_runs([read_tested_run(first), read_tested_run(second)])
    assert different_settings(configurations) == {"model.learning_rate": [0.001, 0.1]}
    assert [one.name for one in configurations] == ["learning_rate 0.001", "learning_rate 0.1"]


def test_other_labels_of_the_same_photos_are_refused(tmp_path: Path) -> None:
    runs = [made(tmp_path / "a"), made(tmp_path / "b")]
    changed = tmp_path / "b/version_0/test/predictions.csv"
    changed.write_text(changed.read_text().replace("person000,left,", "person000,right,", 1))
    with pytest.raises(UserError, match=r"b/version_0 and .*a/version_0"):
        group_runs([runs[0], read_tested_run(tmp_path / "b/version_0")])
