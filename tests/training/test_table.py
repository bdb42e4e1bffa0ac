"""Trainings on photos that a table lists."""

import csv
from pathlib import Path

import pytest
import yaml

from posture_classifier.cli.program import main
from posture_classifier.data.fixes import Fix, add_fixes
from posture_classifier.models.checkpoint import read_seen
from tests.helpers.object_server import object_server
from tests.helpers.photo_tables import COLUMNS, rows_of, write_table
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, assert_same_weights, fit_arguments


def table_arguments(table: Path, output: Path, epochs: int = 1) -> list[str]:
    """The command line of ``fit`` for a table: its groups stand in for the pattern."""
    words = fit_arguments(table, output, epochs)
    place = words.index("--data.group_pattern")
    return ["fit", "--data.table", str(table), *words[place + 2 :]]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_table_trains_as_its_folder_does(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    table = write_table(root / "mine.csv", rows_of(root))
    assert main(table_arguments(table, tmp_path)) == 0
    run = tmp_path / "lightning_logs" / "mine" / "version_0"
    assert_same_weights(run, fit(root))
    settings = yaml.safe_load((run / "config.yaml").read_text())["data"]
    assert (settings["root"], settings["table"]) == (str(root), str(table))


@pytest.mark.slow
def test_it_is_resumed_fixed_and_never_tested_on_what_was_learnt(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    table = write_table(tmp_path / "mine.csv", rows_of(root))
    words = ["--data.root", str(root)]
    assert main([*table_arguments(table, tmp_path, 2), *words]) == 0
    run = tmp_path / "lightning_logs" / "mine" / "version_0"
    split = (run / "split.csv").read_bytes()
    write_table(table, rows_of(root)[::-1])
    assert main([*table_arguments(table, tmp_path, 3), *words, "--ckpt_path", "last"]) == 0
    assert (run / "split.csv").read_bytes() == split
    train = next(row for row in rows(run / "split.csv") if row["split"] == "train")
    other = {"left": "right", "right": "left"}[train["label"]]
    add_fixes(tmp_path / "fixes.csv", [Fix(train["path"], "relabel", train["label"], other)])
    again = ["--data.fixes", str(tmp_path / "fixes.csv"), "--data.split", str(run / "split.csv")]
    assert main([*table_arguments(table, tmp_path), *words, *again]) == 0
    changed = {row["path"]: row["label"] for row in rows(run.parent / "version_1" / "split.csv")}
    assert changed[train["path"]] == other
    assert read_seen(run / "checkpoints" / "best.ckpt")
    weights = ["--model.weights", str(run / "checkpoints" / "best.ckpt"), "--data.holdout_groups", train["group"]]
    assert main([*table_arguments(table, tmp_path), *words, *weights]) == 2
    assert "used to train" in capsys.readouterr().err


@pytest.mark.slow
def test_photos_behind_urls_are_trained_on_cached_and_reported(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    with object_server(root) as server:
        table = write_table(tmp_path / "mine.csv", rows_of(root, f"{server.url}/"))
        assert main([*table_arguments(table, tmp_path, 2), "--report", "true"]) == 0
        asked = len(server.asked)
        assert asked <= 4 * 24 + 12  # header, digest, pixels, and the pictures of the page; no epoch asks again
        run = tmp_path / "lightning_logs" / "mine" / "version_0"
        assert all(row["path"].startswith(server.url) for row in rows(run / "test" / "predictions.csv"))
        assert "data:image/jpeg;base64" in (run / "report.html").read_text()
        assert main(["report", str(run), "--overwrite", "true"]) == 0


@pytest.mark.slow
def test_an_object_that_cannot_be_read_is_in_the_ordinary_list(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    with object_server(root) as server:
        listed = [*rows_of(root, f"{server.url}/"), (f"{server.url}/left/none.png", "left", "person0")]
        table = write_table(tmp_path / "mine.csv", listed)
        assert main(table_arguments(table, tmp_path)) == 2
        assert "left/none.png: no such file" in capsys.readouterr().err
        assert main([*table_arguments(table, tmp_path), "--data.on_error", "skip"]) == 0


@pytest.mark.slow
def test_crossval_takes_a_table(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    table = write_table(root / "mine.csv", rows_of(root))
    assert main(["crossval", str(table), *table_arguments(table, tmp_path)[3:], "--data.folds", "2"]) == 0
    assert len(rows(tmp_path / "lightning_logs" / "mine" / "crossval_0" / "predictions.csv")) == 24


def test_a_table_may_stand_where_the_folder_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "mine.csv", [("none.png", "left", "a")], COLUMNS)
    assert main(["fit", str(table)]) == 2
    assert "row 2: none.png" in capsys.readouterr().err
    assert main(["fit", str(table), str(table)]) == 2
    assert "several tables" in capsys.readouterr().err
