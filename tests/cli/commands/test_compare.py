"""``compare``: run folders in, the verdict out."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.cli.program import main
from posture_classifier.compare import costs as configuration_costs
from posture_classifier.costs import operations
from posture_classifier.metrics import intervals
from posture_classifier.metrics.scores import METRICS
from posture_classifier.runs import reading
from tests.helpers.advice import arguments_of
from tests.helpers.made_runs import finish_run, make_run, settings, some_right
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, refusal, rows


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two seeds of a good network, a cheaper one about as good, and a bad one; 20 groups of 5."""
    for seed in (0, 1):
        make_run(tmp_path / f"good/version_{seed}", some_right(0.9, seed), config=settings("test_resnet", seed))
    make_run(tmp_path / "cheap/version_0", some_right(0.88, 2), config=settings("test_vit"))
    make_run(tmp_path / "bad/version_0", some_right(0.5, 3), config=settings("test_efficientnet"))
    return tmp_path


def test_the_cheapest_of_those_that_are_good_enough_is_recommended(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = runs / "comparison"
    assert main(["compare", str(runs / "*" / "version_*"), "--margin", "0.1", "--output", str(output)]) == 0
    table = {row["entry"]: row for row in rows(output / "comparison.csv")}
    assert list(table)[2] == "test_efficientnet"
    assert table["test_efficientnet"]["standing"] == "behind"
    assert float(table["test_efficientnet"]["p"]) < 0.05
    tied = [table[name] for name in ("test_resnet", "test_vit")]
    assert {row["standing"] for row in tied} == {"best", "not told apart"}
    assert {name for name, row in table.items() if row["good_enough"] == "True"} == {"test_resnet", "test_vit"}
    cheapest = min(tied, key=lambda row: int(row["multiply_adds"]))
    assert [row["entry"] for row in table.values() if row["recommended"] == "True"] == [cheapest["entry"]]
    assert f"Take {cheapest['entry']}" in capsys.readouterr().out
    row = table["test_resnet"]
    right = np.mean([some_right(0.9, seed) for seed in (0, 1)])
    assert float(row["accuracy"]) == pytest.approx(right)
    assert float(row["accuracy_low"]) < right < float(row["accuracy_high"])
    assert (row["seeds"], row["photos"], row["groups"], row["seconds"]) == ("2", "100", "20", "3.0")


def test_nothing_is_recommended_where_it_is_not_shown_to_be_good_enough(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """20 groups do not show that a network is at most 2 points worse than one of equal value."""
    output = runs / "comparison"
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(output)]) == 0
    assert {(row["good_enough"], row["recommended"]) for row in rows(output / "comparison.csv")} == {("False", "False")}
    said = capsys.readouterr().out
    assert "Nothing is recommended" in said
    assert "train more seeds" in said
    assert "Take " not in said
    page = (output / "comparison.html").read_text(encoding="utf-8")
    assert "Nothing is recommended" in page


def test_every_metric_has_its_columns(runs: Path) -> None:
    assert main(["compare", str(runs / "*" / "version_*"), "--metric", "ece", "--output", str(runs / "out")]) == 0
    table = rows(runs / "out" / "comparison.csv")
    assert list(table[0]) == [
        *["entry", "standing", "good_enough", "recommended", "seeds", "photos", "groups"],
        *[f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")],
        *["decided_by", "difference_to_best", "p", "more_groups", "more_photos"],
        *["parameters", "multiply_adds", "inference_bytes", "training_bytes", "latency_ms", "photos_per_second", "seconds"],
        *["device", "backbone", "runs"],
    ]
    assert {row["decided_by"] for row in table} == {"ece"}
    errors = [float(row["ece"]) for row in table]
    assert errors == sorted(errors), "the lowest is the best"


def test_the_page_stands_alone_and_repeats_to_the_byte(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", str(runs / "*" / "version_*"), "--output", str(runs / "comparison")]
    page = runs / "comparison" / "comparison.html"
    assert main(arguments) == 0
    before = page.read_text(encoding="utf-8")
    assert_stands_alone(before)
    for words in ("100 photos of 20 groups", "model.backbone", "person0", "--measure"):
        assert words in before
    capsys.readouterr()
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert page.read_text(encoding="utf-8") == before


def test_where_seeds_differ_most_no_number_of_groups_would_settle_it(tmp_path: Path) -> None:
    for name, shares in {"test_resnet": (0.95, 0.6), "test_vit": (0.9, 0.7)}.items():
        for seed, share in enumerate(shares):
            make_run(tmp_path / name / f"version_{seed}", some_right(share, seed), config=settings(name, seed))
    assert main(["compare", str(tmp_path / "*" / "version_*"), "--output", str(tmp_path / "out")]) == 0
    other = rows(tmp_path / "out" / "comparison.csv")[1]
    assert float(other["difference_to_best"]) < 0
    assert (other["standing"], other["more_groups"]) == ("not told apart", "")


def test_many_configurations_and_groups_fit_on_a_printed_page(tmp_path: Path) -> None:
    for number in range(8):
        config = settings()
        config["model"]["learning_rate"] = 0.1 / (number + 1)
        make_run(tmp_path / f"rates/version_{number}", some_right(0.9, number, n=500), config=config)
    assert main(["compare", str(tmp_path / "rates" / "*"), "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert re.search(r"\b85\b", page), "the number of groups that are not shown"
    heights = [int(height) for height in re.findall(r'viewBox="0 0 \d+ (\d+)"', page)]
    assert len(heights) == 6
    assert max(heights) < 750, "CSS pixels; a sheet has some 1000, and shows them a little larger"


def test_a_run_of_fit_is_compared_by_what_its_summary_says(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(draw_folder(people=15))
    summary = json.loads((run / "summary.json").read_text())
    assert main(["compare", str(run), "--output", str(tmp_path / "out")]) == 0
    (row,) = rows(tmp_path / "out" / "comparison.csv")
    for metric in METRICS:
        known = summary[metric]
        for column, end in ((metric, "value"), (f"{metric}_low", "low"), (f"{metric}_high", "high")):
            assert float(row[column]) == pytest.approx(known[end], abs=1e-6)
    assert f"{summary['log_loss']['value']:.3f}" in capsys.readouterr().out


def test_different_test_photos_are_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(runs / "other/version_0", some_right(0.9, 5, n=110), config=settings("resnet18"))
    error = refusal(["compare", str(runs / "*" / "version_*")], capsys)
    for fact in ("1 of 5", "other/version_0", "10 (left/person020_0100.png", f"--data.split {runs}/"):
        assert fact in error


def test_no_cross_validations_split_is_offered_since_it_has_none(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        folder = make_run(runs / name / "crossval_0", some_right(0.9, 5, n=110), config=settings(name, folds=5))
        (folder / "config.yaml").rename(folder / "settings.yaml")
        (folder / "test" / "predictions.csv").rename(folder / "predictions.csv")
        (folder / "split.csv").unlink()
    assert main(["compare", str(runs / "?" / "crossval_0"), str(runs / "bad" / "version_0")]) == 2
    error = capsys.readouterr().err
    assert "1 of 3" in error
    assert "--data.split" not in error


def test_a_killed_run_is_left_out_and_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "bad/version_0/test/predictions.csv").unlink()
    cut = runs / "cheap/version_0/test/predictions.csv"
    cut.write_text(cut.read_text()[:-200])
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(runs / "out")]) == 1
    output, page = capsys.readouterr().out, (runs / "out" / "comparison.html").read_text()
    assert output.count("left out: ") == 2
    for place in ("bad/version_0", "cheap/version_0/test/predictions.csv"):
        assert place in output
        assert place in page
    assert [row["entry"] for row in rows(runs / "out" / "comparison.csv")] == ["test_resnet"]
    assert main(["compare", str(runs / "bad" / "*")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["nowhere/*"], "nowhere/*"),
        (["{runs}/bad/version_0/test"], "config.yaml"),
        (["{runs}/good"], "{runs}/good/version_*"),
        (["{runs}"], "{runs}/*/version_*"),
        (["{runs}/good/version_0", "--metric", "speed"], "speed"),
        (["{runs}/good/version_0", "--metric", "speed"], "accuracy, balanced_accuracy, macro_f1, auroc, log_loss, ece"),
        (["{runs}/good/version_0", "--wandb_group", "g"], "wandb:entity/project"),
        (["{runs}/good/version_0", "--output", "no/such/folder"], "no/such"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    runs: Path, arguments: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(["compare", *(word.format(runs=runs) for word in arguments)], capsys)
    assert fact.format(runs=runs) in error


def test_a_metric_that_the_photos_do_not_define_is_refused_with_those_that_they_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run", some_right(0.9, 0))
    table = run / "test" / "predictions.csv"
    head, *lines = table.read_text().splitlines(keepends=True)
    table.write_text(head + "".join(line for line in lines if line.startswith("left")))
    (run / "split.csv").unlink()
    assert main(["compare", str(run), "--metric", "auroc"]) == 2
    offered = capsys.readouterr().err.strip().rpartition("choose one of ")[2].split(", ")
    assert set(offered) == METRICS.keys() - {"auroc"}
    assert all(main(["compare", str(run), "--metric", metric]) == 0 for metric in offered)


def test_a_repeated_run_is_counted_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        make_run(tmp_path / name, some_right(0.9, 0))
    assert main(["compare", str(tmp_path / "*"), "--output", str(tmp_path / "out")]) == 0
    assert "1 run " in capsys.readouterr().out
    (row,) = rows(tmp_path / "out" / "comparison.csv")
    assert (row["seeds"], row["runs"]) == ("1", str(tmp_path / "b"))


def test_a_backbone_that_timm_lacks_has_no_costs(tmp_path: Path) -> None:
    for name in ("of_mine", "of_others"):
        make_run(tmp_path / name, some_right(0.9, 0), config=settings(name))
    assert main(["compare", str(tmp_path / "of_*"), "--output", str(tmp_path / "out")]) == 0
    table = rows(tmp_path / "out" / "comparison.csv")
    assert all(row["multiply_adds"] == "" for row in table)
    assert [float(row["difference_to_best"]) for row in table] == [0, 0]
    assert [row["more_groups"] for row in table] == ["", ""], "equal values stay equal"


def test_speed_is_measured_when_asked(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("posture_classifier.costs.latency.SECONDS", 0.01)
    assert main(["compare", str(runs / "good" / "version_0"), "--measure", "--output", str(runs / "out")]) == 0
    (row,) = rows(runs / "out" / "comparison.csv")
    assert float(row["latency_ms"]) > 0
    assert float(row["photos_per_second"]) > 0
    assert "latency" in capsys.readouterr().out


@pytest.mark.slow
def test_a_sweep_reads_each_run_once_and_counts_each_network_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a comparison of hundreds of runs within seconds."""
    for number in range(24):
        config = settings(("test_resnet", "test_vit", "test_efficientnet")[number % 3], seed=number)
        config["model"]["learning_rate"] = 0.001 * (1 + number // 6)
        make_run(tmp_path / f"sweep/version_{number}", some_right(0.8 + 0.004 * number, number), config=config)
    calls: dict[str, int] = {"read_settings": 0, "read_prediction_table": 0, "count_costs": 0}

    def counted(module: object, name: str) -> None:
        function = getattr(module, name)

        def wrapper(*arguments: object) -> object:
            calls[name] += 1
            return function(*arguments)

        monkeypatch.setattr(module, name, wrapper)

    counted(reading, "read_settings")
    counted(reading, "read_prediction_table")
    counted(operations, "count_costs")
    configuration_costs._counted.cache_clear()
    intervals.resample_weights.cache_clear()
    assert main(["compare", str(tmp_path / "sweep" / "version_*"), "--output", str(tmp_path / "out")]) == 0
    assert len(rows(tmp_path / "out" / "comparison.csv")) == 12
    assert calls == {"read_settings": 24, "read_prediction_table": 24, "count_costs": 3}
    assert intervals.resample_weights.cache_info().misses <= 2, "of all photos, and of the photos of a class"


@pytest.mark.slow
def test_the_page_ends_with_the_report_of_the_best(runs: Path) -> None:
    """Where there is what a report needs."""
    page, arguments = runs / "comparison" / "comparison.html", ["compare", str(runs / "*" / "version_*"), "--output"]
    assert main([*arguments, str(page.parent)]) == 0
    assert 'class="command"' not in page.read_text(encoding="utf-8")
    for folder in runs.glob("*/version_*"):
        finish_run(folder)
    assert main([*arguments, str(page.parent), "--overwrite", "true"]) == 0
    command = unescape(page.read_text(encoding="utf-8").partition('<pre class="command">')[2].partition("</pre>")[0])
    words = arguments_of(command)
    assert main(words) == 0
    assert (Path(words[1]) / "report.html").is_file()
