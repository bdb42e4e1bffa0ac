"""``fit --refit true`` learns from the photos that chose, and is tested on the same people."""

import json
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.cli.program import main
from posture_classifier.experiments.quiet_fit import fit_quietly
from posture_classifier.experiments.refit import Refit, wants_refit
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.runs.tables import read_curves, read_split_rows
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import fit_arguments

OPTIONS = ("--model.learning_rate", "0.01", "--precision", "fp32")


def of_split(run: Path) -> dict[str, set[str]]:
    rows = read_split_rows(run / "split.csv")
    return {name: {row["path"] for row in rows if row["split"] == name} for name in ("train", "val", "test")}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("refit")
    root = draw_photos(output / "photos", 10, 2, ("left", "right"))
    assert main([*fit_arguments(root, output, 3), *OPTIONS, "--refit", "true"]) == 0
    return output / "lightning_logs" / "photos" / "refit_0"


@pytest.fixture(scope="module")
def runs(series: Path) -> tuple[Path, Path]:
    return series / "tested" / "version_0", series / "final" / "version_0"


def test_it_learns_from_all_but_the_tested_photos(runs: tuple[Path, Path]) -> None:
    first, second = map(of_split, runs)
    assert second == {"train": first["train"] | first["val"], "val": set(), "test": first["test"]}
    assert first["val"]
    tested = read_prediction_table(runs[1] / "test" / "predictions.csv")
    assert set(tested.paths.tolist()) == first["test"]


def test_it_learns_for_as_many_epochs_as_validation_chose(runs: tuple[Path, Path]) -> None:
    rows = read_curves(runs[0] / "metrics.csv")
    best = min(rows, key=lambda row: float(row["val/loss"]))
    summary = json.loads((runs[1] / "summary.json").read_text())
    assert summary["refit"]["epochs"] == int(best["epoch"]) + 1 == len(read_curves(runs[1] / "metrics.csv"))
    assert Path(summary["refit"]["first_run"]) == runs[0]
    rates = [[row["lr/head"] for row in read_curves(run / "metrics.csv")] for run in runs]
    assert rates[1] == rates[0][: len(rates[1])], "the schedule is that of the first"


def test_the_checkpoint_holds_what_the_first_network_chose_and_its_own_test(series: Path, runs: tuple[Path, Path]) -> None:
    chosen = read_checkpoint(runs[0] / "checkpoints" / "best.ckpt")["evaluation"]
    evaluation = read_checkpoint(runs[1] / "checkpoints" / "last.ckpt")["evaluation"]
    summary = json.loads((runs[1] / "summary.json").read_text())
    assert evaluation["temperature"] == chosen["temperature"]
    assert evaluation["abstention"]["threshold"] == chosen["abstention"]["threshold"]
    assert evaluation["familiarity"]["threshold"] == chosen["familiarity"]["threshold"]
    assert (evaluation["procedure"], evaluation["accuracy"]) == ("test split", summary["accuracy"])
    assert evaluation["photos"] == summary["splits"]
    assert evaluation["photos"]["val"]["images"] == 0
    loaded = Classifier.load(series, "cpu").evaluation
    assert loaded is not None
    assert loaded.accuracy.value == summary["accuracy"]["value"]


@pytest.mark.slow
def test_the_page_says_so(runs: tuple[Path, Path]) -> None:
    assert main(["report", str(runs[1])]) == 0
    page = (runs[1] / "report.html").read_text(encoding="utf-8")
    assert "Refitted on training and validation photos" in page
    assert "temperature" in page, "the validation photos of the first network have chosen one"
    assert main(["report", str(runs[1]), "--language", "ko", "--output", str(runs[1] / "ko")]) == 0
    assert "다시 학습했습니다" in (runs[1] / "ko" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["tested", "final"])
def test_the_same_command_goes_on_where_it_was_stopped(
    tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    """And begins anew where it had ended."""
    arguments = [*fit_arguments(draw_folder(), tmp_path, 2), *OPTIONS, "--refit", "true"]
    trained: list[str] = []

    def failing(options: list[str], log: Path, *others: Any) -> None:
        trained.append(log.parent.name)
        if trained == [*(["tested"] if stopped == "final" else []), stopped]:
            raise KeyboardInterrupt
        fit_quietly(options, log, *others)

    monkeypatch.setattr("posture_classifier.experiments.series_with_final.fit_quietly", failing)
    with pytest.raises(KeyboardInterrupt):
        main(arguments)
    assert main(arguments) == 0
    assert trained == (["tested", "tested", "final"] if stopped == "tested" else ["tested", "final", "final"])
    folder = tmp_path / "lightning_logs" / "photos"
    assert [path.name for path in folder.iterdir()] == ["refit_0"]
    assert main(arguments) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["refit_0", "refit_1"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--data.val_fraction", "0", "--refit"], "data.val_fraction"),
        (["--data.test_fraction", "0", "--refit", "true"], "data.test_fraction"),
        (["--refit", "true", "--ckpt_path", "last"], "--ckpt_path"),
    ],
)
def test_what_does_not_go_together_is_a_sentence(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str], options: list[str], named: str
) -> None:
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), *options]) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.glob("lightning_logs/*/refit_*"))


def test_in_a_file_or_for_a_series_it_is_refused(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "refit.yaml").write_text("refit: true\n")
    arguments = fit_arguments(draw_folder(), tmp_path, 1)
    assert main([*arguments, "--config", str(tmp_path / "refit.yaml")]) == 2
    assert "--refit true" in capsys.readouterr().err
    assert main(["crossval", *arguments[1:], "--data.folds", "3", "--refit", "true"]) == 2
    assert "--refit" in capsys.readouterr().err


def test_it_is_found_among_words() -> None:
    assert wants_refit(["fit", "photos", "--refit"])
    assert wants_refit(["fit", "--refit=true"])
    assert not wants_refit(["fit", "photos", "--refit", "false"])
    assert not wants_refit(["test", "--refit", "true"])
    assert Refit.needed == ("val", "test")
