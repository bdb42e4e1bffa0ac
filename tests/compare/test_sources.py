"""Where runs are read from, and what is said of those that cannot be read."""

from pathlib import Path
from typing import Any

import pytest
import wandb

from posture_classifier.compare.sources import read_runs
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.errors import UserError
from tests.helpers.made_runs import make_run, some_right


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "good [1]/version_0", some_right(0.9, 0))


def test_patterns_match_each_folder_once(run: Path) -> None:
    make_run(run.parent / "version_1", some_right(0.9, 1))
    runs, left_out = read_runs([str(run), str(run.parent / "*")])
    assert [Path(one.name).name for one in runs] == ["version_0", "version_1"]
    assert left_out == []


def test_a_run_without_test_results_is_left_out_by_name(run: Path) -> None:
    (run / "test" / "predictions.csv").unlink()
    runs, (reason,) = read_runs([str(run)])
    assert runs == []
    assert str(run) in reason


def test_a_damaged_run_is_not_tested(run: Path) -> None:
    table = run / "test/predictions.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-5]))
    with pytest.raises(NotTestedError, match="95 of 100"):
        read_tested_run(run)


def test_an_offline_folder_of_wandb_stands_for_its_run(run: Path) -> None:
    offline = run / "wandb/offline-run-20260101_000000-abc"
    offline.mkdir(parents=True)
    assert read_tested_run(offline).tested.paths.tolist() == read_tested_run(run).tested.paths.tolist()


def test_wandb_out_of_reach_is_a_user_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise wandb.errors.CommError("no route to host")

    monkeypatch.setattr(wandb, "Api", refuse)
    with pytest.raises(UserError, match=r"wandb:me/project .*no route to host"):
        read_runs(["wandb:me/project"])
