"""Results as pictures."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import MaxNLocator

from posture_classifier.rendering.fonts import fonts
from posture_classifier.utils.types import Ints


def plot_confusion(confusion: Ints, classes: list[str], title: str, path: Path) -> None:
    """Draw (C, C) counts, true classes down and predicted ones across; shades are shares of the true class."""
    size = min(max(4.0, 1.6 + 0.6 * len(classes)), 20.0)
    classes = [name.replace("$", r"\$") for name in classes]  # a dollar would begin a formula
    with rc_context({"font.family": fonts()}):
        _draw_confusion(confusion, classes, title, size).savefig(path, dpi=150)


def _draw_confusion(confusion: Ints, classes: list[str], title: str, size: float) -> Picture:
    picture = Picture(figsize=(size + 0.8, size), layout="constrained")
    axes = picture.add_subplot()
    shares = confusion / confusion.sum(1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    few = len(classes) <= 30
    for row in range(len(classes) if few else 0):
        for column in range(len(classes)):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=color)
    axes.set_xticks(
        range(len(classes)), classes, rotation=45 if len(classes) > 3 else 0, ha="right" if len(classes) > 3 else "center"
    )
    axes.set_yticks(range(len(classes)), classes)
    if not few:
        axes.tick_params(labelsize=max(1.0, 300 / len(classes)))
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, fontsize=10)
    return picture


def plot_curves(rows: list[dict[str, str]], path: Path) -> None:
    """Draw loss and validation accuracy by epoch; the ground darkens where more stages are open, and says how many.

    Args:
        rows: Those of ``metrics.csv``.
        path: The picture to write.
    """
    epochs = [int(row["epoch"]) for row in rows]
    picture = Picture(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = picture.subplots(1, 2)
    for axes, names in ((loss, ("train/loss", "val/loss")), (accuracy, ("val/accuracy", "val/f1"))):
        for name, style in zip(names, ("o--", "o-"), strict=True):
            axes.plot(epochs, [float(row.get(name) or "nan") for row in rows], style, markersize=3, label=name)
        _shade_phases(rows, axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        axes.legend()
        axes.grid(alpha=0.3)
    loss.set_title("cross-entropy", pad=14)
    accuracy.set_title("validation photos", pad=14)
    picture.savefig(path, dpi=150)


def _shade_phases(rows: list[dict[str, str]], axes: Axes) -> None:
    counts = [int(float(row.get("stages_open") or 1)) for row in rows]
    for row, n_open, before in zip(rows, counts, [0, *counts], strict=False):
        epoch, shade = int(row["epoch"]), 0.04 + 0.10 * n_open / max(counts)
        if n_open > 1:
            axes.axvspan(epoch - 0.5, epoch + 0.5, color="tab:orange", alpha=shade, linewidth=0)
        if n_open != before:
            text = "head" if n_open == 1 else f"{n_open} stages"
            axes.text(epoch - 0.4, 1.01, text, transform=axes.get_xaxis_transform(), fontsize=7, color="grey")
