"""``comparison.html``: the verdict, figures with intervals, tests, costs, curves and settings, in one file that asks for no other."""

from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.compare.comparison import TITLES, Comparison
from posture_classifier.compare.entries import different_settings
from posture_classifier.compare.figures import FEW, MANY, against_costs, by_class_and_group, forest, learning_curves
from posture_classifier.compare.table import COSTS
from posture_classifier.compare.words import (
    how_tested,
    measured,
    number,
    p_value,
    recommendation,
    standing,
    tested_on,
    what_would_settle_it,
)
from posture_classifier.evaluation import METRICS
from posture_classifier.page import Html, Section, bullets, contents, heading, paragraph, shaded, strong, table, write_page


def write_comparison(comparison: Comparison, path: Path, left_out: list[str]) -> None:
    """Write the page.

    Args:
        comparison: What it is about.
        path: The .html file.
        left_out: Runs that had no test results, and why.
    """
    sections = [
        Section("Which is better", forest(comparison) + _further(comparison) + _notes(comparison, left_out)),
        Section("Figures", _figures(comparison)),
        Section("Costs", against_costs(comparison) + _costs(comparison)),
        Section("Tests against the best", _tests(comparison)),
        Section("Classes and groups", _some(comparison, FEW) + by_class_and_group(comparison)),
        Section("Agreement", _agreement(comparison)),
        Section("Learning curves", _some(comparison, FEW) + learning_curves(comparison)),
        Section("Settings that differ", _settings(comparison)),
        Section(
            "Runs",
            table(["entry", "runs"], [[entry.name, ", ".join(run.name for run in entry.runs)] for entry in comparison.entries]),
        ),
    ]
    networks = sum(len(networks) for networks in comparison.several)
    entries = f"{len(comparison.entries)} entries" if len(comparison.entries) > 1 else "1 entry"
    facts = f"{entries}, {networks} trained networks, each tested on the same {tested_on(comparison)}."
    lead = paragraph(strong(recommendation(comparison)), "lead") + paragraph(facts, "muted") + contents(sections)
    write_page(path, "Comparison", lead, sections)


def _some(comparison: Comparison, shown: int) -> Html:
    hidden = len(comparison.entries) - shown
    return paragraph(f"The best {shown} of {len(comparison.entries)} entries.", "muted") if hidden > 0 else Html()


def _further(comparison: Comparison) -> Html:
    lines = what_would_settle_it(comparison)
    return heading("What would settle it") + bullets(lines[:MANY]) if lines else Html()


def _notes(comparison: Comparison, left_out: list[str]) -> Html:
    missing = heading("Left out") + bullets(left_out) if left_out else Html()
    return heading("How to read this") + bullets(how_tested(comparison)) + missing


def _name(comparison: Comparison, index: int) -> Html:
    name = comparison.names[index]
    return strong(f"{name} (recommended)") if index == comparison.chosen else paragraph(name)


def _figures(comparison: Comparison) -> Html:
    rows = []
    for index in comparison.verdict.order:
        seeds = comparison.several[index]
        spread = ""
        if len(seeds) > 1:
            values = [float((network.predicted == network.labels).mean()) for network in seeds]
            spread = f"{min(values):.3f} to {max(values):.3f}"
        rows.append([comparison.names[index], str(len(seeds)), *(measured(comparison.figures[index][m]) for m in METRICS), spread])
    head = ["entry", "seeds", *(TITLES[metric] for metric in METRICS), "accuracy, range of seeds"]
    caption = f"Mean over seeds with 95 % interval, on {tested_on(comparison)}. Log loss in nats; ECE in 15 bins of equal width: less is better."
    return table(head, rows, caption)


def _costs(comparison: Comparison) -> Html:
    shown = [name for name in COSTS if any(getattr(cost, name) is not None for cost in comparison.expenses)]
    rows = [
        [comparison.names[index], *(number(getattr(comparison.expenses[index], name), COSTS[name][1]) for name in shown)]
        for index in comparison.verdict.order
    ]
    devices = {cost.device for cost in comparison.expenses if cost.device}
    caption = (
        "One multiply-add is two FLOPs. Memory is fp32: of predicting one photo, and of a training step of the run's batch with nothing "
        "frozen. Training: seconds of one run, in the mean over its seeds; all folds of a cross-validation."
    )
    timed = f" Speed: fp32 on {', '.join(sorted(devices))}, of one photo and of the run's batch." if devices else ""
    return table(["entry", *(COSTS[name][0].replace("\n", " ").strip() for name in shown)], rows, caption + timed)


def _tests(comparison: Comparison) -> Html:
    verdict = comparison.verdict
    rows = []
    for index in verdict.order:
        if index == verdict.best:
            continue
        further = verdict.further[index]
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
    head = [
        "entry",
        f"{TITLES[verdict.metric]} less the best's",
        "so it is",
        "p (Holm)",
        "p, bootstrap",
        "p, McNemar",
        f"more {comparison.unit}",
    ]
    caption = (
        f"Against {comparison.names[verdict.best]}. Holm's p-values decide, below 0.05. The p-values of single tests are not corrected; "
        "McNemar's is about accuracy, takes all photos as independent, and is there where every entry has one seed."
    )
    return table(head, rows, caption)


def _agreement(comparison: Comparison) -> Html:
    shown = comparison.verdict.order[:MANY]
    said = np.array([comparison.several[index][0].predicted for index in shown])
    agreement = np.array([(said == row).mean(1) for row in said])
    least = agreement.min()
    shades = (agreement - least) / max(1 - least, 1e-9)
    names = [comparison.names[index] for index in shown]
    cells = [[f"{100 * share:.0f}" for share in row] for row in agreement]
    text = "Percent of the photos of which two entries say the same, right or wrong (of several seeds, the first)."
    return paragraph(text, "muted") + shaded(cells, shades, names)


def _settings(comparison: Comparison) -> Html:
    unlike = different_settings(comparison.entries)
    if not unlike:
        return paragraph("All settings are the same.")
    order = comparison.verdict.order
    rows = [[comparison.names[index], *(_value(column[index]) for column in unlike.values())] for index in order]
    return table(["entry", *unlike], rows, "Seeds, folders and what names a run are left out.")


def _value(value: Any) -> str:
    return "none" if value is None else str(value)
