"""Every figure, drawn from rows that nobody had to measure."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from posture_classifier.cli.commands.backbones import COLUMNS
from posture_classifier.costs.axes import quantity_title
from posture_classifier.costs.figures import FIGURES, choose_figures, figure_files
from posture_classifier.costs.line_plot import spread
from posture_classifier.costs.plot import draw_figure
from posture_classifier.utils.errors import UserError

NETWORKS = {"lenet": 1, "mobilenet": 4, "googlenet": 7, "resnet": 25, "vgg": 138}


def rows() -> list[dict[str, Any]]:
    """Networks whose costs go with their number of parameters, in three batch sizes."""
    return [
        dict.fromkeys(COLUMNS)
        | {"name": name, "year": 2010 + number, "image_size": 224, "device": "gpu", "batch_size": batch_size}
        | {"parameters": size * 10**6, "multiply_adds": size * 10**8, "ms_per_photo": size / batch_size}
        | {"photos_per_second": 1000 * batch_size / size, "batch_inference_bytes": size * 10**6 * (4 + batch_size)}
        | {"watts": 100 + batch_size, "joules_per_photo": size / 10}
        | {"accuracy": 0.5 + number / 20, "accuracy_low": 0.48 + number / 20, "accuracy_high": 0.52 + number / 20}
        for number, (name, size) in enumerate(NETWORKS.items())
        for batch_size in (1, 2, 8)
    ]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures that were saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **options: Any) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_every_network(name: str, tmp_path: Path, drawn: list[Figure]) -> None:
    assert draw_figure(name, rows(), tmp_path / f"{name}.png") == len(NETWORKS)
    assert min(Image.open(tmp_path / f"{name}.png").size) > 400
    axes = drawn[0].axes[0]
    words = {text.get_text() for text in [*axes.texts, *axes.get_yticklabels()]}
    assert words >= set(NETWORKS), "each has its name"
    boxes = [Text.get_window_extent(text) for text in axes.texts if text.get_text() in NETWORKS]
    assert all(box.count_overlaps(boxes) == 1 for box in boxes), "and none covers another"


@pytest.mark.parametrize("name", ["accuracy", "memory", "density"])
def test_what_lacks_its_values_is_left_out(name: str, tmp_path: Path) -> None:
    figure = FIGURES[name]
    unknown = figure.x if figure.kind == "discs" else figure.y
    changes: dict[str, dict[str, Any]] = {"resnet": {unknown: None}, "vgg": {"error": "no such size"}}
    some = [row | changes.get(row["name"], {}) for row in rows()]
    assert draw_figure(name, some, tmp_path / "some.svg") == len(NETWORKS) - 2
    nothing = [row | {figure.y: None} for row in some]
    assert draw_figure(name, nothing, tmp_path / "none.svg") == 0
    assert not (tmp_path / "none.svg").exists()


def test_discs_are_networks_in_their_largest_batch(tmp_path: Path, drawn: list[Figure]) -> None:
    draw_figure("operations", rows(), tmp_path / "o.svg")
    axes = drawn[0].axes[0]
    offsets = axes.collections[0].get_offsets()
    assert sorted(map(tuple, offsets.tolist())) == [(size / 8, size * 1e8) for size in NETWORKS.values()]  # type: ignore[union-attr]
    assert "batches of 8" in axes.get_xlabel()


@pytest.mark.parametrize("name", FIGURES)
def test_titles_of_axes_fit_beside_them(name: str, tmp_path: Path, drawn: list[Figure]) -> None:
    """The longest ones: networks of several sizes, with published accuracies."""
    source = {"accuracy_source": "torchvision AlexNet_Weights.IMAGENET1K_V1", "device": "NVIDIA RTX PRO 6000 Blackwell Server"}
    mixed = [row | source | {"image_size": 32 * row["year"]} for row in rows()]
    draw_figure(name, mixed, tmp_path / "mixed.svg")
    figure, axes = drawn[0], drawn[0].axes[0]
    across, upwards = axes.xaxis.label.get_window_extent(), axes.yaxis.label.get_window_extent()
    assert figure.bbox.x0 <= across.x0 < across.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= upwards.y0 <= upwards.y1 <= figure.bbox.y1


def test_the_smallest_networks_are_seen_and_said_to_be_small(tmp_path: Path, drawn: list[Figure]) -> None:
    sizes = [60_000, 1_000_000, 25_000_000]
    some = [row | {"parameters": size} for row, size in zip(rows()[::3], sizes, strict=False)]
    draw_figure("throughput", some, tmp_path / "t.svg")
    axes = drawn[0].axes[0]
    areas = sorted(float(area) for area in axes.collections[0].get_sizes())  # type: ignore[attr-defined]
    assert areas[0] == areas[1] == pytest.approx(areas[2] / 25)
    assert areas[0] ** 0.5 > 2, "points across, with a white edge of 0.7"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["1 M or less", "5 M", "25 M"]


def test_density_is_per_cent_for_each_million(tmp_path: Path, drawn: list[Figure]) -> None:
    draw_figure("density", rows(), tmp_path / "d.svg")
    axes = drawn[0].axes[0]
    widths = [bar.get_window_extent().transformed(axes.transData.inverted()).width for bar in axes.patches]
    assert widths == pytest.approx(sorted(100 * (0.5 + n / 20) / size for n, size in enumerate(NETWORKS.values())))


def test_published_accuracies_say_so_on_the_axis() -> None:
    published = [row | {"accuracy_source": "torchvision AlexNet_Weights.IMAGENET1K_V1"} for row in rows()]
    assert "ImageNet" in quantity_title("accuracy", published)
    assert "50,000" in quantity_title("accuracy", published)
    others = [*published, rows()[0] | {"accuracy_source": "runs.csv"}]
    assert quantity_title("accuracy", others) == "accuracy"


def test_heights_are_spread_as_little_as_may_be() -> None:
    assert spread([0.0, 100.0], 10.0) == [0.0, 100.0]
    assert spread([5.0, 5.0, 5.0], 10.0) == [-5.0, 5.0, 15.0]
    moved = spread([0.0, 9.0, 12.0, 31.0], 10.0)
    assert all(after - before >= 10.0 - 1e-9 for before, after in itertools.pairwise(moved))


def test_the_default_is_what_there_is() -> None:
    assert choose_figures(None, measure=True, accuracy=False, n_batch_sizes=1) == ["throughput"]
    assert choose_figures(None, measure=True, accuracy=True, n_batch_sizes=1) == ["accuracy"]
    assert choose_figures("batch, speed,batch", measure=True, accuracy=True, n_batch_sizes=2) == ["batch", "speed"]
    assert figure_files(["batch"], Path("a/costs.png")) == {"batch": Path("a/costs.png")}
    assert figure_files(["batch", "speed"], Path("a/costs.png"))["speed"] == Path("a/costs_speed.png")


@pytest.mark.parametrize("name", FIGURES)
def test_what_a_figure_needs_is_said_and_then_enough(name: str) -> None:
    """Follows the advice until there is none."""
    options: dict[str, Any] = {"measure": False, "accuracy": False, "n_batch_sizes": 1}
    remedies: dict[str, dict[str, Any]] = {
        "--measure": {"measure": True},
        "--accuracy": {"accuracy": True},
        "--batch_size": {"n_batch_sizes": 7},
    }
    for _ in range(len(remedies) + 1):
        try:
            assert choose_figures(name, **options) == [name]
            break
        except UserError as error:
            options |= next(change for option, change in remedies.items() if f"add {option}" in str(error))
    else:
        pytest.fail(f"{name} still lacks something after all that was advised")
    columns = {FIGURES[name].x, FIGURES[name].y}
    assert options["accuracy"] is ("accuracy" in columns)
    assert (options["n_batch_sizes"] > 1) is (FIGURES[name].kind == "lines")
