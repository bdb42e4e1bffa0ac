"""Which stages of the network the photos need: how good it is without each of its blocks."""

from itertools import groupby

from markupsafe import Markup

from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.formatting import estimate_cell, percent_estimate, why_unknown
from posture_classifier.rendering.page import Section
from posture_classifier.rendering.svg_charts import INK, SERIES, chart_markup, chart_style, empty_chart, shortened
from posture_classifier.report.deleted_blocks import Deletion
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.utils.text import describe_size, plural, shortlist

TITLE = "Which stages your photos need"
ROW = 18
"""Height of a block's row in the chart in CSS pixels."""


def blocks_section(run: FinishedRun, deletions: list[Deletion]) -> Section:
    """Show what deleting each block costs, and which stages to open first.

    The first deletion is of nothing: the whole network.
    """
    whole, *blocks = deletions
    if not blocks:
        sentence = f"{run.summary['backbone']} has no block that could be deleted: none returns what has the shape of its input."
        return Section(TITLE, render("report.html", "blocks", sentences=[sentence], chart="", rows=[], photos="", unknown=""))
    body = render(
        "report.html",
        "blocks",
        sentences=_sentences(whole, blocks, run.settings["model"].get("stages", "coarse")),
        chart=_chart(whole, blocks),
        rows=[_row(deletion) for deletion in deletions],
        photos=describe_size(vars(whole)),
        unknown=why_unknown(deletion.accuracy for deletion in deletions),
    )
    return Section(TITLE, body)


def not_measured_section() -> Section:
    """Say by which command it is measured."""
    return Section(TITLE, render("report.html", "blocks_not_measured"))


def _row(deletion: Deletion) -> list[str]:
    difference = "" if deletion.p is None else estimate_cell(deletion.difference)
    return [deletion.deleted, deletion.stage, estimate_cell(deletion.accuracy), difference]


def _sentences(whole: Deletion, blocks: list[Deletion], stages: str) -> list[str]:
    """Say what is shown, and what it advises."""
    costly = [block for block in blocks if _is_costly(block)]
    if not costly:
        return [_nothing_shown(whole, blocks), *_at_most("any one", blocks)]
    of_stages = {stage: min(rows, key=_change) for stage, rows in groupby(costly, lambda block: block.stage)}
    needed = "; ".join(f"{stage} ({block.deleted}: {_cost(block)})" for stage, block in of_stages.items())
    spared = [block for block in blocks if block.stage not in of_stages]
    n_open = max(block.stages_open for block in costly)
    option = f"--unfreezing.open_stages '{{1: {n_open}}}'" + (" --model.stages fine" if stages == "fine" else "")
    return [
        f"Without some of its blocks the network is worse, by more than chance. They are in {needed}.",
        *_at_most(f"one of {shortlist(sorted({block.stage for block in spared}), 20)}", spared),
        f"Opening {n_open} stages ({option}) opens every stage with a block that is shown to be needed, and the head. That a block "
        "is needed does not show that it has to be trained: whether fewer or more are better, two runs and compare tell.",
    ]


def _nothing_shown(whole: Deletion, blocks: list[Deletion]) -> str:
    """Say that no block is shown to be needed, and which was the likeliest to be."""
    dearest = min(blocks, key=_change)
    found = (
        f"deleting {dearest.deleted} costs most, {_cost(dearest)}, which may be chance with {plural(len(blocks), 'block')} tried"
    )
    if _change(dearest) >= 0:
        found = f"it is as good without any of its {plural(len(blocks), 'block')}"
    return f"No block is shown to be needed, so it cannot be said which stages to open: on {describe_size(vars(whole))}, {found}."


def _at_most(which: str, blocks: list[Deletion]) -> list[str]:
    """Say what deleting such a block costs at most; nothing where there is none, or no interval."""
    lows = [block.difference.low for block in blocks if block.difference.low is not None]
    return [f"Deleting {which} costs {_points(-min(lows))} at most, by the far ends of the intervals."] if lows else []


def _change(block: Deletion) -> float:
    return block.difference.value or 0.0


def _is_costly(block: Deletion) -> bool:
    return block.p is not None and block.p < LEVEL and _change(block) < 0


def _cost(block: Deletion) -> str:
    """Write what deleting a block costs: ``3.3 points (95 % interval 1.2 to 5.4)``."""
    ends = block.difference.ends
    interval = f" (95 % interval {-100 * ends[1]:.1f} to {-100 * ends[0]:.1f})" if ends else ""
    return f"{_points(-_change(block))}{interval}"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


@chart_style()
def _chart(whole: Deletion, blocks: list[Deletion]) -> Markup:
    """Draw accuracy without each block, from input to output; the ground changes with the stage."""
    figure, axes = empty_chart("accuracy without the block, 95 % interval", "", height=50 + ROW * len(blocks))
    axes.axvline(_value(whole.accuracy), color=INK, alpha=0.5, linewidth=1, linestyle=":")
    for row, block in enumerate(blocks):
        colour = SERIES[1] if _is_costly(block) else SERIES[0]
        if ends := block.accuracy.ends:
            axes.plot(ends, [row, row], color=colour, linewidth=1.2)
        axes.plot(_value(block.accuracy), row, "s" if _is_costly(block) else "o", color=colour)
    start = 0
    for number, (_, of_stage) in enumerate(groupby(blocks, lambda block: block.stage)):
        end = start + len(list(of_stage))
        if number % 2:
            axes.axhspan(start - 0.5, end - 0.5, color=INK, alpha=0.07, linewidth=0)
        start = end
    axes.set(ylim=(len(blocks) - 0.5, -0.5), yticks=range(len(blocks)), yticklabels=[shortened(b.deleted) for b in blocks])
    values = "; ".join(f"{block.deleted} {percent_estimate(block.accuracy)}" for block in blocks)
    caption = (
        "From input to output; the ground changes with the stage. Dotted: the whole network. Squares: worse than that by more "
        "than chance (Holm's p below 0.05)."
    )
    return chart_markup(figure, f"Accuracy without each block: {values}", caption)


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None  # there are photos
    return estimate.value
