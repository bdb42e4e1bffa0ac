"""The demonstrations in ``benchmarks/`` that train networks by ``fit``, on drawn photos."""

import importlib
import math
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import timm
import torch
from torch import nn

from posture_classifier.models.classifier import PostureClassifier
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY

SEEDS = range(3)


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import each other from their own folder, and write to the present one."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    monkeypatch.chdir(tmp_path)


def script(name: str) -> Any:
    module: ModuleType = importlib.import_module(name)
    return module


def rows_by_epoch() -> list[dict[str, str]]:
    """At 0.03 ReLU reaches 25 % after 2.5 epochs and tanh after 3.5, at other rates neither."""
    rectifier = script("rectifier")
    curves = {"relu": [0.8, 0.4, 0.1, 0.0], "tanh": [0.8, 0.6, 0.4, 0.1]}
    return [
        {"activation": name, "rate": rate, "seed": str(seed), "epoch": str(epoch)}
        | {"training_error": str(error if rate == "0.03" else 0.9), "validation_error": "0.5"}
        for name, rate, seed in product(curves, rectifier.RATES, [*SEEDS, 3])
        for epoch, error in enumerate(curves[name], start=1)
    ]


def test_a_table_of_results_is_read_as_it_was_added(tmp_path: Path) -> None:
    series, results = script("series"), tmp_path / "results.csv"
    assert series.read(results) == []
    for seed in (1, 0):
        series.add(results, [{"network": "a", "seed": seed, "error": 0.1 * seed + step} for step in (1, 0)])
    assert len(results.read_text().splitlines()) == 5
    assert series.curves(series.select(series.read(results), network="a"), "error") == [[1.0, 0.0], [1.1, 0.1]]
    assert [row["error"] for row in series.select(series.read(results), seed=1)] == ["1.1", "0.1"]
    assert series.seeds("3-5") == range(3, 6)


def test_epochs_to_a_target_are_interpolated_and_infinite_where_it_is_not_reached() -> None:
    epochs_to = script("rectifier").epochs_to
    assert epochs_to(0.25, [0.9, 0.4, 0.2]) == 2.75
    assert epochs_to(0.25, [0.9, 0.4, 0.3]) == math.inf
    assert epochs_to(0.25, [0.9, 0.25, 0.3]) == 2


def test_the_two_forms_differ_in_activation_and_in_how_wide_weights_are_drawn() -> None:
    script("rectifier")
    forms = {name: timm.create_model(f"four_layers_{name}", num_classes=4).eval() for name in ("relu", "tanh")}
    assert forms["relu"](torch.rand(2, 3, 32, 32)).shape == (2, 4)
    for name, other in (("relu", nn.Tanh), ("tanh", nn.ReLU)):
        assert not any(isinstance(layer, other) for layer in forms[name].modules())
    shapes = [[parameter.shape for parameter in form.parameters()] for form in forms.values()]
    assert shapes[0] == shapes[1]
    widths = {name: form.layers[1][0].weight.std().item() * math.sqrt(32 * 25) for name, form in forms.items()}
    assert widths == {"relu": pytest.approx(math.sqrt(2), rel=0.05), "tanh": pytest.approx(5 / 3, rel=0.05)}
    stages = PostureClassifier(["a", "b"], backbone="four_layers_relu", pretrained=False, image_size=32).stages
    assert [len(stage.parameters) for stage in stages] == [2, 2, 2, 2]


def test_the_rate_of_a_form_is_the_one_that_reached_the_target_first() -> None:
    rectifier = script("rectifier")
    assert {name: rectifier.best_rate(rows_by_epoch(), name, 3) for name in ("relu", "tanh")} == {"relu": "0.03", "tanh": "0.03"}


def test_the_page_on_architectures_has_what_is_counted() -> None:
    """Both popular claims are corrected by these tables, which are the same on every machine."""
    page, inception = (REPOSITORY / "docs" / "architectures.md").read_text(encoding="utf-8"), script("inception")
    for table in (inception.modules_table, inception.reduction_table, inception.networks_table):
        assert "\n".join(table()) in page
    assert "| the last two together | 16,384,000 | 16.4 |" in page
    assert "| `googlenet` | 224 | 1.50 | 6.6 |" in page


def test_rectifiers_are_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rectifier, rates = script("rectifier"), {"relu": "0.03", "tanh": "0.03"}
    rectifier.report(rows_by_epoch(), rates, SEEDS)
    assert capsys.readouterr().out.splitlines()[-1] == "tanh takes 1.40 1.40 1.40 times as many"
    rectifier.draw(rows_by_epoch(), rates, SEEDS, tmp_path / "rectifier.png")
    assert (tmp_path / "rectifier.png").stat().st_size > 1000


def test_googlenet_without_norm_is_drawn_as_in_its_replication() -> None:
    script("auxiliary")
    network = timm.create_model("googlenet_without_norm", num_classes=2)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    convolution = network.inception3a.branch2[1].conv
    assert convolution.bias.tolist() == pytest.approx([0.2] * 128)
    assert convolution.weight.var().item() * convolution.weight[0].numel() == pytest.approx(1, rel=0.05)


def test_gradients_are_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    auxiliary = script("auxiliary")
    rows = [
        {"network": network, "auxiliary": answer, "seed": str(seed), "module": module, "gradient": str(size)}
        for network, (answer, size), seed in product(auxiliary.PANELS, (("with", 0.3), ("without", 0.1)), SEEDS)
        for module in auxiliary.MODULES
    ]
    auxiliary.report(rows)
    assert capsys.readouterr().out.count("3.00 (3.00 to 3.00) times as large") == 2 * len(auxiliary.MODULES)
    auxiliary.draw(rows, tmp_path / "auxiliary.png")
    assert (tmp_path / "auxiliary.png").stat().st_size > 1000


@pytest.mark.slow
def test_each_form_is_larger_than_the_one_before_in_what_is_scaled() -> None:
    scaling = script("scaling")
    base = scaling.BASE
    for dimension, forms in scaling.SCALED.items():
        operations = [scaling.multiply_adds(form) for form in (base, *forms)]
        assert operations == sorted(set(operations)), dimension
    blocks = {form: sum(len(stage) for stage in timm.create_model(form.network).blocks) for form in scaling.FORMS}
    assert all(blocks[form] > blocks[base] for form in scaling.SCALED["depth"])
    assert all(blocks[form] == blocks[base] for form in scaling.SCALED["width"])
    assert all(form.network == base.network for form in scaling.SCALED["resolution"])


def test_scaling_is_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scaling = script("scaling")
    result = {"value": "0.8", "low": "0.7", "high": "0.9", "images": "414", "groups": ""}
    rows = [
        {"network": form.network, "image_size": str(form.resolution), "seed": str(seed)} | result
        for form, seed in product(scaling.FORMS, SEEDS)
    ]
    scaling.report(rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(scaling.FORMS)
    assert all("0.800 (0.700 to 0.900)" in line for line in lines)
    scaling.draw(rows, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 1000


def test_errors_of_plain_and_residual_networks_are_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    degradation = script("degradation")
    rows = [
        {"network": f"cifar_{kind}{depth}", "seed": str(seed), "epoch": str(epoch), "seconds": "30"}
        | {"training_error": str(error + seed / 100), "validation_error": "0.5"}
        for kind, depth, seed in product(degradation.PANELS, degradation.DEPTHS, SEEDS)
        for epoch, error in ((1, 0.8), (2, 0.2))
    ]
    degradation.report(rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cifar_plain20 training error: 0.200 0.210 0.220, mean 0.210; 60 s a run"
    assert len(lines) == 8
    degradation.draw(rows, tmp_path / "degradation.png")
    assert (tmp_path / "degradation.png").stat().st_size > 1000


def test_deleted_blocks_are_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deleted_blocks = script("deleted_blocks")
    found = {"nothing": "0.9", "stage1.0": "0.2", "stage2.1": "0.4"}
    rows = [
        {"network": network, "seed": str(seed), "deleted": block, "images": "414", "accuracy": accuracy}
        for network, seed, (block, accuracy) in product(deleted_blocks.NETWORKS, SEEDS, found.items())
    ]
    deleted_blocks.report(rows)
    expected = "cifar_plain20: whole 0.900 0.900 0.900; without a block median 0.300, 0.200 to 0.400 (2 blocks, 6 deletions)"
    assert capsys.readouterr().out.splitlines()[0] == expected
    deleted_blocks.draw(rows, tmp_path / "deleted_blocks.png")
    assert (tmp_path / "deleted_blocks.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("degradation", [], {"epochs": 8, "seeds": range(3), "results": "degradation.csv", "output": "degradation.png"}),
        ("auxiliary", ["--seeds", "1-2", "--results", "a.csv"], {"seeds": range(1, 3), "results": "a.csv"}),
    ],
)
def test_a_series_is_asked_for_in_one_way(
    name: str, words: list[str], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [name, "photos", *words])
    found = vars(script("series").parse("A title.\n\nMore.", name, epochs=expected.get("epochs")))
    assert found["folder"] == Path("photos")
    assert {
        option: type(value)(found[option]) if isinstance(value, str) else found[option] for option, value in expected.items()
    } == expected
    assert ("epochs" in found) is ("epochs" in expected), "where it is no part of the recipe"


@pytest.mark.slow
def test_blocks_are_deleted_from_the_networks_of_the_section_before(draw_folder: DrawFolder, tmp_path: Path) -> None:
    degradation, deleted_blocks, series = script("degradation"), script("deleted_blocks"), script("series")
    folder, errors, results = draw_folder(), tmp_path / "errors.csv", tmp_path / "results.csv"
    for _ in range(2):
        degradation.train("cifar_plain20", 0, folder, 1, errors)
        deleted_blocks.measure("cifar_plain20", 0, folder, 1, results)
    [epoch] = series.read(errors)
    assert (epoch["network"], epoch["seed"], epoch["epoch"]) == ("cifar_plain20", "0", "1")
    assert series.read(results)[0]["deleted"] == "nothing"
    assert len(series.read(results)) == 8
    assert len(list((tmp_path / "lightning_logs" / degradation.experiment("cifar_plain20", 0)).iterdir())) == 1


@pytest.mark.slow
def test_what_is_in_the_results_is_not_trained_again(draw_folder: DrawFolder, tmp_path: Path) -> None:
    folder, results = draw_folder(), tmp_path / "results.csv"
    for _ in range(2):
        script("rectifier").train("tanh", "0.01", 0, folder, 2, results)
    assert [row["epoch"] for row in script("series").read(results)] == ["1", "2"]
    assert len(list((tmp_path / "lightning_logs" / "rectifier_tanh_0.01_seed0").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 2])  # trained until it was killed, of two
def test_a_killed_series_goes_on_with_the_run_that_it_was_at(epochs: int, draw_folder: DrawFolder, tmp_path: Path) -> None:
    rectifier, folder, results = script("rectifier"), draw_folder(), tmp_path / "results.csv"
    rectifier.train("tanh", "0.01", 0, folder, epochs, results)
    before = script("series").read(results)
    results.unlink()
    rectifier.train("tanh", "0.01", 0, folder, 2, results)
    rows = script("series").read(results)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert rows[:epochs] == before


@pytest.mark.slow
def test_auxiliary_classifiers_add_to_the_gradient_of_what_is_before_them(draw_folder: DrawFolder, tmp_path: Path) -> None:
    auxiliary, folder, results = script("auxiliary"), draw_folder(), tmp_path / "results.csv"
    for answer in ("with", "without"):
        auxiliary.train("googlenet_without_norm", answer, 0, folder, results)
    rows = script("series").read(results)
    assert [row["module"] for row in rows] == 2 * list(auxiliary.MODULES)
    speaking, silent = ([float(row["gradient"]) for row in rows if row["auxiliary"] == answer] for answer in ("with", "without"))
    assert all(size > 0 for size in silent)
    assert speaking[0] > 2 * silent[0]
    # The one step of an epoch that draws from the same weights: what comes after both is the same.
    assert speaking[-1] == pytest.approx(silent[-1], rel=1e-3)


@pytest.mark.slow
def test_a_scaled_network_is_trained_and_tested(draw_folder: DrawFolder, tmp_path: Path) -> None:
    scaling, results = script("scaling"), tmp_path / "results.csv"
    scaling.train(scaling.SCALED["compound"][0], 0, draw_folder(), 1, results)
    [row] = script("series").read(results)
    assert 0 <= float(row["low"]) <= float(row["value"]) <= float(row["high"]) <= 1
    assert int(row["images"]) > 0
