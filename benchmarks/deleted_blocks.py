"""What a block of a plain and of a residual network is worth (Veit et al. 2016, section 4.1).

    python benchmarks/deleted_blocks.py FOLDER --output docs/deleted_blocks.png

Takes the networks that ``degradation.py`` trained in the same working directory, or trains them by
its recipe, once per seed; then deletes each block by itself and draws the accuracy on the test
photos. A network is added to the results when it was measured, and what is there already is not
measured again. The command may be killed at any moment: given once more, it goes on where it was.
"""

import statistics
from itertools import product
from pathlib import Path

from degradation import experiment, fit_once
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from series import Row, add, parse, read, select

from posture_classifier.report.deleted_blocks import NOTHING, measure_deletions
from posture_classifier.report.finished_run import FinishedRun, read_finished_run
from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import SUMMARY_JSON

NETWORKS = {
    "cifar_plain20": ("plain, 20 layers", "#d55e00", "s"),
    "cifar_resnet20": ("ResNet, 20 layers", "#35b779", "o"),
    "cifar_resnet56": ("ResNet, 56 layers", "#31688e", "o"),
}
"""Title, colour and marker of each."""
CHANCE = 0.1
"""Share of photos of the commonest of ten classes, about."""


def trained(network: str, seed: int, folder: Path, epochs: int) -> FinishedRun:
    """The newest run of a network that has ended, or else one that is trained now."""
    folders = [run for run in versions(Path("lightning_logs") / experiment(network, seed)) if (run / SUMMARY_JSON).is_file()]
    return read_finished_run(folders[-1] if folders else fit_once(network, seed, folder, epochs))


def measure(network: str, seed: int, folder: Path, epochs: int, results: Path) -> None:
    """Delete each block in turn, unless that is in the results, on all test photos."""
    key = {"network": network, "seed": seed}
    if select(read(results), **key):
        return
    run = trained(network, seed, folder, epochs)
    deletions = measure_deletions(run, most=len(run.evaluated))
    add(results, [key | {"deleted": d.deleted, "images": d.images, "accuracy": d.accuracy.value} for d in deletions])


def accuracies(rows: list[Row], network: str) -> dict[str, list[float]]:
    """Accuracy of each seed, by what was deleted, in the order in which blocks run."""
    by_block: dict[str, list[float]] = {}
    for row in select(rows, network=network):
        by_block.setdefault(row["deleted"], []).append(float(row["accuracy"]))
    return by_block


def report(rows: list[Row]) -> None:
    """Print the accuracy of the whole networks, and its range without a block."""
    for network in NETWORKS:
        by_block = accuracies(rows, network)
        whole = " ".join(f"{value:.3f}" for value in by_block.pop(NOTHING))
        values = [value for block in by_block.values() for value in block]
        spread = f"median {statistics.median(values):.3f}, {min(values):.3f} to {max(values):.3f}"
        print(f"{network}: whole {whole}; without a block {spread} ({len(by_block)} blocks, {len(values)} deletions)")
        for block, seeds in by_block.items():
            print(f"  {block}: {' '.join(f'{value:.3f}' for value in seeds)}")


def draw(rows: list[Row], path: Path) -> None:
    """Plot accuracy by the deleted block's place: a mark per seed, a line through the medians."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for network, (title, colour, marker) in NETWORKS.items():
        by_block = accuracies(rows, network)
        del by_block[NOTHING]
        places = [(number + 0.5) / len(by_block) for number in range(len(by_block))]
        for place, seeds in zip(places, by_block.values(), strict=True):
            axes.plot([place] * len(seeds), seeds, marker, color=colour, alpha=0.5, markersize=5, markeredgewidth=0)
        axes.plot(places, list(map(statistics.median, by_block.values())), color=colour, linewidth=1.6, label=title)
    axes.axhline(CHANCE, color="black", alpha=0.5, linewidth=1, linestyle=":", label="chance")
    axes.set(xlabel="place of the deleted block", ylabel="test accuracy without it", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xticks([0, 1], ["input", "output"])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.25, axis="y")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=len(NETWORKS) + 1)
    figure.savefig(path, dpi=160)


if __name__ == "__main__":
    arguments = parse(__doc__, "deleted_blocks", epochs=8)
    for seed, network in product(arguments.seeds, NETWORKS):
        measure(network, seed, arguments.folder, arguments.epochs, arguments.results)
    report(read(arguments.results))
    draw(read(arguments.results), arguments.output)
