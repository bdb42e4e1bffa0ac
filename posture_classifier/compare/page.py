"""``comparison.html``: verdict, figures with intervals, tests, costs, curves and settings, in one file that asks for no other."""

from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.compare.charts import FEW, MANY, against_costs, by_class_and_group, forest, learning_curves
from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.configurations import different_settings
from posture_classifier.compare.sentences import (
    decimals,
    how_tested,
    number,
    p_value,
    recommendation,
    span,
    standing,
    tested_on,
    what_would_settle_it,
)
from posture_classifier.compare.tables import COSTS, NOT_TIMED
from posture_classifier.metrics.reliability import BINS
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.page import (
    Html,
    Section,
    bullets,
    contents,
    heading,
    paragraph,
    shaded,
    strong,
    table,
    write_page,
)
from posture_classifier.rendering.svg_charts import chart_row


def write_comparison(comparison: Comparison, path: Path, left_out: list[str]) -> None:
    """Write the page.

    Args:
        comparison: What it is about.
        path: The .html file.
        left_out: Runs that had no test results, and why.
    """
    sections = [
        Section("Which is better", _verdict(comparison) + _notes(comparison, left_out)),
        Section("Figures", _figures(comparison)),
        Section("Costs", _costs(comparison)),
        Section("Tests against the best", _tests(comparison)),
        Section("Classes and groups", _some(comparison, FEW) + by_class_and_group(comparison)),
        Section("Agreement", _agreement(comparison)),
        Section("Learning curves", _some(comparison, FEW) + learning_curves(comparison)),
        Section("Settings that differ", _settings(comparison)),
        Section("Runs", _runs(comparison)),
    ]
    networks = sum(len(networks) for networks in comparison.predictions)
    entries = f"{len(comparison.configurations)} entries" if len(comparison.configurations) > 1 else "1 entry"
    facts = f"{entries}, {networks} trained networks, each tested on the same {tested_on(comparison)}."
    lead = paragraph(strong(recommendation(comparison)), "lead") + paragraph(facts, "muted") + contents(sections)
    write_page(path, "Comparison", lead, sections)


def _some(comparison: Comparison, shown: int) -> Html:
    hidden = len(comparison.configurations) - shown
    return paragraph(f"The best {shown} of {len(comparison.configurations)} entries.", "muted") if hidden > 0 else Html()


def _verdict(comparison: Comparison) -> Html:
    lines = what_would_settle_it(comparison)
    further = heading("What would settle it") + bullets(lines) if lines else Html()
    return _some(comparison, MANY) + chart_row([forest(comparison), against_costs(comparison)]) + further


def _notes(comparison: Comparison, left_out: list[str]) -> Html:
    missing = heading("Left out") + bullets(left_out) if left_out else Html()
    return heading("How to read this") + bullets(how_tested(comparison)) + missing


def _figures(comparison: Comparison) -> Html:
    rows, metric = [], comparison.verdict.metric
    for index in comparison.verdict.order:
        seeds = comparison.network_values[index][metric]
        spread = f"{seeds.min():.3f} to {seeds.max():.3f}" if len(seeds) > 1 else ""
        figures = (_two_lines(decimals(figure.value), span(figure)) for figure in (comparison.estimates[index][m] for m in METRICS))
        rows.append([comparison.names[index], _two_lines(str(len(seeds)), spread), *figures])
    head = ["entry", "seeds", *(METRICS[name].title for name in METRICS)]
    caption = (
        f"Mean over seeds with 95 % interval, on {tested_on(comparison)}. Below the seeds: range of their "
        f"{METRICS[metric].title}. Of log loss (nats) and expected calibration error (ECE, {BINS} bins of equal width) less is "
        "better."
    )
    return table(head, rows, caption)


def _two_lines(value: str, below: str) -> Html:
    """So that all metrics fit beside each other."""
    return Html(f'{value}<br><span class="caption">{below}</span>')


def _costs(comparison: Comparison) -> Html:
    shown = [name for name in COSTS if any(getattr(cost, name) is not None for cost in comparison.costs)]
    rows = [
        [comparison.names[index], *(number(getattr(comparison.costs[index], name), COSTS[name][1]) for name in shown)]
        for index in comparison.verdict.order
    ]
    devices = {cost.device for cost in comparison.costs if cost.device}
    caption = (
        "One multiply-add is two FLOPs. Memory is fp32: of predicting one photo, and of a training step of the run's batch with "
        "nothing frozen. Training: seconds of one run, in the mean over its seeds; all folds of a cross-validation."
    )
    timed = f" Speed: fp32 on {', '.join(sorted(devices))}, of one photo and of the run's batch." if devices else NOT_TIMED
    return table(["entry", *(COSTS[name][0].replace("\n", " ").strip() for name in shown)], rows, caption + timed)


def _tests(comparison: Comparison) -> Html:
    verdict = comparison.verdict
    rows = []
    for index in verdict.order:
        if index == verdict.best:
            continue
        further = verdict.additional_groups[index]
        rows.append(
            [
                comparison.names[index],
                f"{verdict.differences.values[index, verdict.best]:+.3f}",
                standing(comparison, index).partition(" (")[0],
                p_value(verdict.p[index]),
                p_value(verdict.differences.p[index, verdict.best]),
                p_value(verdict.mcnemar[index, verdict.best]) if verdict.mcnemar is not None else "-",
                f"{further:,}" if further is not None else "-",
            ]
        )
    if not rows:
        return paragraph("There is one entry only.")
    tests = ["p (Holm)", "p, bootstrap", "p, McNemar"]
    head = ["entry", f"{METRICS[verdict.metric].title} less the best's", "so it is", *tests, f"more {comparison.unit}"]
    caption = (
        f"Against {comparison.names[verdict.best]}. Holm's p-values decide, below 0.05. Those of single tests are not corrected; "
        "McNemar's is about accuracy, takes all photos as independent, and is there where every entry has one seed."
    )
    return table(head, rows, caption)


def _agreement(comparison: Comparison) -> Html:
    shown = comparison.verdict.order[:MANY]
    said = np.array([comparison.predictions[index][0].predicted for index in shown])
    agreement = np.array([(said == row).mean(1) for row in said])
    least = agreement.min()
    shades = (agreement - least) / max(1 - least, 1e-9)
    names = [comparison.names[index] for index in shown]
    cells = [[f"{100 * share:.0f}" for share in row] for row in agreement]
    text = "Percent of the photos of which two entries say the same, right or wrong (of several seeds, the first)."
    return paragraph(text, "muted") + shaded(cells, shades, names)


def _settings(comparison: Comparison) -> Html:
    unlike = different_settings(comparison.configurations)
    if not unlike:
        return paragraph("All settings are the same.")
    order = comparison.verdict.order
    rows = [[comparison.names[index], *(_value(column[index]) for column in unlike.values())] for index in order]
    return table(["entry", *unlike], rows, "Seeds, folders and what names a run are left out.")


def _runs(comparison: Comparison) -> Html:
    return table(
        ["entry", "runs"], [[entry.name, ", ".join(run.name for run in entry.runs)] for entry in comparison.configurations]
    )


def _value(value: Any) -> str:
    return "none" if value is None else str(value)
