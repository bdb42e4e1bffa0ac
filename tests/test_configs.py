"""Every shipped configuration runs."""

import re
from pathlib import Path

import pytest
import yaml

from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments

REPOSITORY = Path(__file__).parents[1]
CONFIGS = sorted(path.name for path in (REPOSITORY / "configs").glob("*.yaml"))
NOT_OF_FIT = {"optuna.yaml", "search.yaml", "sweep.yaml"}
"""Run by test_study_search.py and test_search.py in tests/experiments, and by
tests/callbacks/test_wandb_report.py."""


@pytest.mark.parametrize("name", sorted(set(CONFIGS) - NOT_OF_FIT))
def test_a_config_runs_on_tiny_photos(tmp_path: Path, draw_folder: DrawFolder, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    root = draw_folder()
    smaller = fit_arguments(root, tmp_path, 1)[1:]
    devices = ["--trainer.devices", "1"]
    assert main(["fit", "--config", str(REPOSITORY / "configs" / name), *smaller, *devices, "--experiment", "x"]) == 0
    assert (tmp_path / "lightning_logs" / "x" / "version_0" / "summary.json").exists()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_is_a_lab_note(name: str) -> None:
    lines = (REPOSITORY / "configs" / name).read_text().splitlines()
    header = [line for line in lines if line.startswith("#")]
    assert any(re.search(r"posture_classifier (fit|crossval|search) --config", line) for line in header), "its command"
    assert len([line for line in lines if line and not line.lstrip().startswith("#")]) <= 15, "and only what it changes"


def test_the_demo_shows_the_recommended_recipe() -> None:
    demo, best = (yaml.safe_load((REPOSITORY / "configs" / name).read_text()) for name in ("demo.yaml", "best.yaml"))
    photos = {"root": "data/turtle_neck", "group_pattern": r"subject-\d+"}
    assert demo == best | {"experiment": "demo", "data": best["data"] | photos}


def test_a_saved_config_repeats_the_run(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    assert main([*fit_arguments(root, tmp_path, 1), "--seed_everything", "3"]) == 0
    runs = tmp_path / "lightning_logs" / root.name
    assert main(["fit", "--config", str(runs / "version_0" / "config.yaml")]) == 0
    first, second = ((runs / f"version_{n}" / "test" / "predictions.csv").read_text() for n in (0, 1))
    assert first == second
